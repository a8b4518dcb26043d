using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Alignment;

/// <summary>Keeps the numbers that schedules have in checkpoints of version 0.1: 0 cosine, 1 linear, 2 constant.</summary>
internal sealed class SftScheduleJsonConverter : JsonConverter<LearningRateSchedule>
{
    private static readonly LearningRateSchedule[] Numbered =
        [LearningRateSchedule.Cosine, LearningRateSchedule.Linear, LearningRateSchedule.Constant];

    public override LearningRateSchedule Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TryGetInt32(out int number) && number >= 0 && number < Numbered.Length ? Numbered[number]
            : throw new JsonException("A schedule is a number, 0 to 2.");

    public override void Write(Utf8JsonWriter writer, LearningRateSchedule value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(Array.IndexOf(Numbered, value));
}

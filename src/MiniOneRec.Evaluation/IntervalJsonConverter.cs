using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Evaluation;

/// <summary>Writes an interval as <c>[low, high]</c>.</summary>
public sealed class IntervalJsonConverter : JsonConverter<Interval>
{
    /// <inheritdoc/>
    public override Interval Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        return Read(document.RootElement);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Interval value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartArray();
        ReportJson.WriteFigure(writer, value.Low);
        ReportJson.WriteFigure(writer, value.High);
        writer.WriteEndArray();
    }

    internal static Interval Read(JsonElement element) => element.ValueKind == JsonValueKind.Array && element.GetArrayLength() == 2
        ? new Interval(ReportJson.ReadFigure(element[0], "low"), ReportJson.ReadFigure(element[1], "high"))
        : throw new JsonException("An interval is an array of two numbers, low and high.");
}

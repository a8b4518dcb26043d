using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Evaluation;

/// <summary>How reports look in JSON: camel case, intervals as <c>[low, high]</c>, a table as its figures with <c>intervals</c> last.</summary>
internal static class ReportJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        IndentSize = 2,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new IntervalConverter(), new MetricTableConverter() },
    };

    private sealed class IntervalConverter : JsonConverter<Interval>
    {
        public override Interval Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            JsonSerializer.Deserialize<double[]>(ref reader, options) is [double low, double high]
                ? new Interval(low, high)
                : throw new JsonException("An interval is an array of two numbers, low and high.");

        public override void Write(Utf8JsonWriter writer, Interval value, JsonSerializerOptions options)
        {
            writer.WriteStartArray();
            writer.WriteNumberValue(value.Low);
            writer.WriteNumberValue(value.High);
            writer.WriteEndArray();
        }
    }

    private sealed class MetricTableConverter : JsonConverter<MetricTable>
    {
        private const string IntervalsName = "intervals";

        public override MetricTable Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var raw = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(ref reader, options)
                ?? throw new JsonException("A table of figures is an object.");
            var intervals = raw.Remove(IntervalsName, out var given) ? given.Deserialize<Dictionary<string, Interval>>(options) : null;
            return new MetricTable(
                raw.ToDictionary(
                    pair => pair.Key,
                    pair => pair.Value.ValueKind == JsonValueKind.Number ? pair.Value.GetDouble() : throw new JsonException($"'{pair.Key}' must be a number.")),
                intervals);
        }

        public override void Write(Utf8JsonWriter writer, MetricTable value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            foreach (var (key, figure) in value.Values)
            {
                writer.WriteNumber(key, figure);
            }

            if (value.Intervals.Count > 0)
            {
                writer.WritePropertyName(IntervalsName);
                JsonSerializer.Serialize(writer, value.Intervals, options);
            }

            writer.WriteEndObject();
        }
    }
}

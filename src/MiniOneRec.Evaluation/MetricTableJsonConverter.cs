using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Evaluation;

/// <summary>Writes a table as an object of its figures, with <c>intervals</c> last where there are any.</summary>
public sealed class MetricTableJsonConverter : JsonConverter<MetricTable>
{
    private const string IntervalsName = "intervals";

    /// <inheritdoc/>
    public override MetricTable Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException("A table of figures is an object.");
        }

        var values = new Dictionary<string, double>();
        Dictionary<string, Interval>? intervals = null;
        foreach (var property in document.RootElement.EnumerateObject())
        {
            if (property.Name != IntervalsName)
            {
                values[property.Name] = ReportJson.ReadFigure(property.Value, property.Name);
            }
            else if (property.Value.ValueKind == JsonValueKind.Object)
            {
                intervals = property.Value.EnumerateObject()
                    .ToDictionary(interval => interval.Name, interval => IntervalJsonConverter.Read(interval.Value));
            }
            else if (property.Value.ValueKind != JsonValueKind.Null)
            {
                throw new JsonException($"'{IntervalsName}' is an object.");
            }
        }

        return new MetricTable(values, intervals);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, MetricTable value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(value);
        writer.WriteStartObject();
        foreach (var (key, figure) in value.Values)
        {
            writer.WritePropertyName(key);
            ReportJson.WriteFigure(writer, figure);
        }

        if (value.Intervals.Count > 0)
        {
            writer.WriteStartObject(IntervalsName);
            foreach (var (key, interval) in value.Intervals)
            {
                writer.WriteStartArray(key);
                ReportJson.WriteFigure(writer, interval.Low);
                ReportJson.WriteFigure(writer, interval.High);
                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}

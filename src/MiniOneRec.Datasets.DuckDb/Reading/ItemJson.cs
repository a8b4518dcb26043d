using System.Collections.ObjectModel;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Categories and attributes of items as JSON in a column of text.</summary>
internal static class ItemJson
{
    public static string? Categories(Item item) => item.Categories.Count == 0 ? null : Write(json => WriteList(json, item.Categories));

    public static string? Attributes(Item item) => item.Attributes.Count == 0 ? null : Write(json =>
    {
        json.WriteStartObject();
        foreach (var (name, value) in item.Attributes)
        {
            json.WritePropertyName(name);
            switch (value.Kind)
            {
                case AttributeKind.Number:
                    json.WriteNumberValue(value.Number!.Value);
                    break;
                case AttributeKind.Boolean:
                    json.WriteBooleanValue(value.Boolean!.Value);
                    break;
                case AttributeKind.List:
                    WriteList(json, value.List!);
                    break;
                default:
                    json.WriteStringValue(value.Text);
                    break;
            }
        }

        json.WriteEndObject();
    });

    public static IReadOnlyList<string> ReadCategories(string? json) =>
        json is null ? [] : [.. JsonElement.Parse(json).EnumerateArray().Select(part => part.GetString()!)];

    public static IReadOnlyDictionary<string, AttributeValue> ReadAttributes(string? json) => json is null
        ? ReadOnlyDictionary<string, AttributeValue>.Empty
        : JsonElement.Parse(json).EnumerateObject().ToDictionary(field => field.Name, field => Value(field.Value), StringComparer.Ordinal);

    /// <summary>A text that is a number with a point, or with a decimal comma and at most two places, and whose digits are not a code such
    /// as <c>007</c>.</summary>
    public static double? Number(string text)
    {
        string plain = text.Trim();
        int comma = plain.IndexOf(',', StringComparison.Ordinal);
        if (comma > 0 && plain.Length - comma is 2 or 3 && plain.LastIndexOf(',') == comma
            && !plain.Contains('.', StringComparison.Ordinal))
        {
            plain = plain.Replace(',', '.');
        }

        bool code = plain.Length > 1 && plain[0] == '0' && char.IsAsciiDigit(plain[1]);
        return !code && double.TryParse(plain, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? number : null;
    }

    private static AttributeValue Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.True or JsonValueKind.False => value.GetBoolean(),
        JsonValueKind.Array => new AttributeValue(value.EnumerateArray().Select(part => part.GetString()!)),
        _ => value.GetString()!,
    };

    private static void WriteList(Utf8JsonWriter json, IEnumerable<string> texts)
    {
        json.WriteStartArray();
        foreach (string text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static string Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            write(json);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}

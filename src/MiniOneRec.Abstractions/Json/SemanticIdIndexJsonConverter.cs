using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>
/// Writes an index as <c>{"levelSizes": [256, 256], "items": {"tent": "&lt;a_1&gt;&lt;b_2&gt;"}}</c>. The reference's file format, which
/// has no level sizes, is that of <see cref="SemanticIdIndex.SaveAsync(string, CancellationToken)"/>.
/// </summary>
public sealed class SemanticIdIndexJsonConverter : JsonConverter<SemanticIdIndex>
{
    private const string SizesName = "levelSizes", ItemsName = "items";

    /// <inheritdoc/>
    public override SemanticIdIndex Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(SizesName, out var sizes)
            || sizes.ValueKind != JsonValueKind.Array
            || !root.TryGetProperty(ItemsName, out var items) || items.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException($"An index is an object with '{SizesName}' and '{ItemsName}'.");
        }

        try
        {
            return new SemanticIdIndex(
                items.EnumerateObject().Select(item => KeyValuePair.Create(item.Name, SemanticId.Parse(item.Value.GetString() ?? "")))
                .ToArray(),
                [.. sizes.EnumerateArray().Select(size => size.GetInt32())]);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or InvalidOperationException)
        {
            throw new JsonException(e.Message, e);
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, SemanticIdIndex value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(value);
        writer.WriteStartObject();
        writer.WriteStartArray(SizesName);
        foreach (int size in value.LevelSizes)
        {
            writer.WriteNumberValue(size);
        }

        writer.WriteEndArray();
        writer.WriteStartObject(ItemsName);
        for (int row = 0; row < value.Count; row++)
        {
            writer.WriteString(value.Items[row], value.SemanticIds[row].ToString());
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}

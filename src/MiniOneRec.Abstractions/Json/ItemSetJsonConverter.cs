using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>Writes a set of item ids as an array, and reads an array of strings as a set.</summary>
public sealed class ItemSetJsonConverter : JsonConverter<IReadOnlySet<string>>
{
    /// <inheritdoc/>
    public override IReadOnlySet<string> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            throw new JsonException("A set of items is an array of strings.");
        }

        var items = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            items.Add(reader.TokenType == JsonTokenType.String ? reader.GetString()!
                : throw new JsonException("A set of items is an array of strings."));
        }

        return items;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, IReadOnlySet<string> value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(value);
        writer.WriteStartArray();
        foreach (string item in value)
        {
            writer.WriteStringValue(item);
        }

        writer.WriteEndArray();
    }
}

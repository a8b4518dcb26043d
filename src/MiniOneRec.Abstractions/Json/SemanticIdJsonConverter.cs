using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>Writes a semantic ID as its text, for example <c>"&lt;a_12&gt;&lt;b_7&gt;&lt;c_240&gt;"</c>; also as the key of a
/// dictionary.</summary>
public sealed class SemanticIdJsonConverter : JsonConverter<SemanticId>
{
    /// <inheritdoc/>
    public override SemanticId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String ? Parse(reader.GetString()!)
            : throw new JsonException("A semantic ID is a string such as \"<a_12><b_7><c_240>\".");

    /// <inheritdoc/>
    public override SemanticId ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString()!);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, SemanticId value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(value);
        writer.WriteStringValue(value.ToString());
    }

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, SemanticId value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(value);
        writer.WritePropertyName(value.ToString());
    }

    private static SemanticId Parse(string text) => SemanticId.TryParse(text, out var id)
        ? id
        : throw new JsonException($"'{text}' is no semantic ID; expected tokens such as <a_12><b_7><c_240>.");
}

using System.Text.Json;

namespace MiniOneRec.Modeling;

/// <summary>Reads typed values from a JSON object, with errors that name file and key.</summary>
internal readonly struct ConfigReader(JsonElement root, string source)
{
    private readonly JsonElement _root = root;
    private readonly string _source = source;

    public int Integer(string key, int? fallback = null) => Find(key, fallback is not null) is not { } value
        ? fallback!.Value
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw Bad(key, value, "an integer");

    public double Number(string key, double fallback) => Find(key, true) is not { } value
        ? fallback
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : throw Bad(key, value, "a number");

    public bool Flag(string key, bool fallback) => Find(key, true) is not { } value
        ? fallback
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Bad(key, value, "true or false");

    public string Text(string key, string? fallback = null) => Find(key, fallback is not null) is not { } value
        ? fallback!
        : value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Bad(key, value, "a string");

    public ConfigReader? Object(string key) => Find(key, true) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.Object ? new ConfigReader(value, _source) : throw Bad(key, value, "an object");

    private JsonElement? Find(string key, bool optional)
    {
        if (_root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null)
        {
            return value;
        }

        return optional ? null : throw new InvalidDataException($"'{_source}': key '{key}' is missing.");
    }

    private InvalidDataException Bad(string key, JsonElement value, string expected)
    {
        string text = value.GetRawText();
        return new InvalidDataException($"'{_source}': key '{key}' is {(text.Length > 80 ? text[..80] + "…" : text)}; expected {expected}.");
    }
}

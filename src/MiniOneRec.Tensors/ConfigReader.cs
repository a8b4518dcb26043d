using System.Text.Json;

namespace MiniOneRec.Tensors;

/// <summary>Reads typed values from a JSON object, with errors that name file and key.</summary>
/// <param name="root">The object.</param>
/// <param name="source">The file's name, for messages.</param>
/// <param name="path">The keys that lead to the object, each followed by a point; empty at the top.</param>
internal readonly struct ConfigReader(JsonElement root, string source, string path = "")
{
    private const int ShownCharacters = 80;
    private readonly JsonElement _root = root;
    private readonly string _source = source;
    private readonly string _path = path;

    /// <summary>Parses a settings file and reads it.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <param name="read">Makes the result; values that it does not copy end with the call.</param>
    /// <exception cref="InvalidDataException">The text is no JSON object, or a value is not what it has to be; the message names the
    /// key.</exception>
    public static T Parse<T>(string json, string source, Func<ConfigReader, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? read(new ConfigReader(document.RootElement, source))
                : throw new InvalidDataException($"'{source}': expected a JSON object.");
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException($"'{source}': no valid JSON. {e.Message}", e);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{source}', line {e.LineNumber + 1}{KeyBefore(json, e)}: no valid JSON. {e.Message}", e);
        }
    }

    /// <summary>Gets the object that is read.</summary>
    public JsonElement Root => _root;

    /// <summary>Gets the file's name.</summary>
    public string Source => _source;

    /// <summary>Returns whether the file has a key, even if its value is null.</summary>
    public bool Has(string key) => _root.TryGetProperty(key, out _);

    /// <summary>Gets the value of a key, or <see langword="null"/> where it is missing or null.</summary>
    public JsonElement? Value(string key) => _root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value
        : null;

    public int Integer(string key, int? fallback = null) => Find(key, fallback is not null) is not { } value
        ? fallback!.Value
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw Bad(key, value, "an integer");

    public int? OptionalInteger(string key) => Value(key) is null ? null : Integer(key);

    public double Number(string key, double? fallback = null) => Find(key, fallback is not null) is not { } value
        ? fallback!.Value
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number
            : throw Bad(key, value, "a number");

    public bool Flag(string key, bool fallback) => Find(key, true) is not { } value
        ? fallback
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Bad(key, value, "true or false");

    public string Text(string key, string? fallback = null) => Find(key, fallback is not null) is not { } value ? fallback!
        : TextOf(key, value);

    /// <summary>Reads a list of strings, or <see langword="null"/> where the key is missing or null.</summary>
    public string[]? Texts(string key)
    {
        if (Value(key) is not { } list)
        {
            return null;
        }

        var reader = this;
        return list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(item => reader.TextOf(key, item))]
            : throw Bad(key, list, "a list of strings");
    }

    /// <summary>Reads a list of integers, or <see langword="null"/> where the key is missing or null.</summary>
    public int[]? Integers(string key)
    {
        if (Value(key) is not { } list)
        {
            return null;
        }

        var reader = this;
        return list.ValueKind != JsonValueKind.Array
            ? throw Bad(key, list, "a list of integers")
            : [.. list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int number) ? number
                : throw reader.Bad(key, item, "a list of integers"))];
    }

    public ConfigReader? Object(string key) => Find(key, true) is not { } value
        ? null
        : value.ValueKind == JsonValueKind.Object ? new ConfigReader(value, _source, $"{_path}{key}.") : throw Bad(key, value, "an object");

    /// <summary>Makes the error of a value that cannot be.</summary>
    public InvalidDataException Bad(string key, JsonElement value, string expected) =>
        Error(_source, _path + key, value, $"expected {expected}");

    /// <summary>Makes the error of a value.</summary>
    public static InvalidDataException Error(string source, string key, JsonElement value, string reason)
    {
        string text = value.GetRawText();
        return new InvalidDataException(
            $"'{source}': key '{key}' is {(text.Length > ShownCharacters ? text[..ShownCharacters] + "…" : text)}; {reason}.");
    }

    private string TextOf(string key, JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Bad(key, value, "a string");
        }
        catch (InvalidOperationException)
        {
            throw Bad(key, value, "a string without half a surrogate pair");
        }
    }

    private JsonElement? Find(string key, bool optional) =>
        Value(key) is { } value ? value : optional ? null : throw new InvalidDataException($"'{_source}': key '{_path}{key}' is missing.");

    // NaN and Infinity, as Python writes them, are no JSON; the key whose value breaks the text is worth more than the line.
    private static string KeyBefore(string json, JsonException error)
    {
        string[] lines = json.Split('\n');
        if (error.LineNumber is not { } number || number >= lines.Length)
        {
            return "";
        }

        string before = lines[number][..(int)Math.Clamp(error.BytePositionInLine ?? 0, 0, lines[number].Length)];
        int colon = before.LastIndexOf(':'), end = colon < 0 ? -1 : before.LastIndexOf('"', colon),
            start = end < 1 ? -1 : before.LastIndexOf('"', end - 1);
        return start < 0 ? "" : $", key '{before[(start + 1)..end]}'";
    }
}

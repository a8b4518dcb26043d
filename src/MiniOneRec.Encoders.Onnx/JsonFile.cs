using System.Text.Json;

namespace MiniOneRec.Encoders.Onnx;

/// <summary>A JSON file with errors that name file and key.</summary>
internal sealed class JsonFile
{
    private readonly string _path;

    private JsonFile(string path, JsonElement root) => (_path, Root) = (path, root);

    public JsonElement Root { get; }

    /// <summary>Reads a file, or returns <see langword="null"/> where there is none.</summary>
    /// <exception cref="InvalidDataException">The file is no JSON.</exception>
    public static JsonFile? TryRead(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return new JsonFile(path, document.RootElement.Clone());
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}' is no JSON: {e.Message}", e);
        }
    }

    /// <summary>
    /// Gets a whole number, or <see langword="null"/> where the key is missing, null or beyond every bound, as Hugging Face writes "no
    /// limit".
    /// </summary>
    public int? Integer(string key) => Find(key) is not { } value ? null
        : value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out double number) ? throw Bad(key, value, "a whole number")
        : number > int.MaxValue ? null
        : number >= 1 && number == Math.Floor(number) ? (int)number
        : throw Bad(key, value, "a whole number of at least 1");

    /// <summary>Gets a truth value, or <see langword="null"/> where the key is missing or null.</summary>
    public bool? Boolean(string key) => Find(key) is not { } value ? null
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Bad(key, value, "true or false");

    private JsonElement? Find(string key) => Root.ValueKind != JsonValueKind.Object
        ? throw new InvalidDataException($"'{_path}' must be an object.")
        : Root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private InvalidDataException Bad(string key, JsonElement value, string expected) =>
        new($"'{_path}', key '{key}' is {value.GetRawText()}; expected {expected}.");
}

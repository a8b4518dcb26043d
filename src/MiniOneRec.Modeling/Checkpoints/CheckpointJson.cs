using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <summary>Reads and writes the small JSON files of a checkpoint folder.</summary>
internal static class CheckpointJson
{
    /// <summary>Files above this many bytes are refused.</summary>
    private const long MaxBytes = 16 << 20;

    private static readonly JsonSerializerOptions Written =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads the text of a file.</summary>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is larger than such files are.</exception>
    public static string ReadText(string path)
    {
        return !File.Exists(path)
            ? throw new FileNotFoundException($"'{path}' does not exist.", path)
            : FileSize.Of(path) is var length && length <= MaxBytes
                ? File.ReadAllText(path)
                : throw new InvalidDataException($"'{path}' is {length} bytes long; files of this kind end at {MaxBytes}.");
    }

    /// <summary>Parses an object.</summary>
    /// <exception cref="InvalidDataException">The text is no JSON object.</exception>
    public static JsonObject Parse(string json, string source)
    {
        try
        {
            var options = new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false };
            var root = JsonNode.Parse(json, documentOptions: options) as JsonObject
                ?? throw new InvalidDataException($"'{source}': expected a JSON object.");
            CheckTexts(root, source, "");
            return root;
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException($"'{source}': no valid JSON. {e.Message}", e);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{source}', line {e.LineNumber + 1}: no valid JSON. {e.Message}", e);
        }
    }

    /// <summary>Writes an object, indented, aside and renamed.</summary>
    public static Task WriteAsync(string path, JsonObject json, CancellationToken cancellationToken) => AtomicFile.WriteTextAsync(
        path, WithPoints(json)!.ToJsonString(Written) + "\n", cancellationToken);

    // Nodes are read when they are asked for: half a surrogate pair would come to light somewhere else.
    private static void CheckTexts(JsonNode? node, string source, string key)
    {
        switch (node)
        {
            case JsonObject entries:
                foreach (var (name, value) in entries)
                {
                    CheckTexts(value, source, key.Length == 0 ? name : $"{key}.{name}");
                }

                break;
            case JsonArray list:
                foreach (var value in list)
                {
                    CheckTexts(value, source, key);
                }

                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                try
                {
                    value.GetValue<string>();
                }
                catch (InvalidOperationException e)
                {
                    throw new InvalidDataException($"'{source}': key '{key}' holds no valid text. {e.Message}", e);
                }

                break;
        }
    }

    // Readers in other languages tell 1 from 1.0: numbers that are real here are written with a point.
    private static JsonNode? WithPoints(JsonNode? node) => node switch
    {
        JsonObject entries => new JsonObject(entries.Select(pair => KeyValuePair.Create(pair.Key, WithPoints(pair.Value)))),
        JsonArray list => new JsonArray([.. list.Select(WithPoints)]),
        JsonValue value when value.GetValue<object>() is double number && number == Math.Truncate(number) && Math.Abs(number) < 1e15 =>
            JsonNode.Parse(number.ToString("F1", CultureInfo.InvariantCulture)),
        _ => node?.DeepClone(),
    };
}

using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling;

/// <summary>How a checkpoint wants to be decoded, as a Hugging Face <c>generation_config.json</c> says it.</summary>
public sealed record GenerationConfig
{
    private static readonly string[] TokenKeys = ["bos_token_id", "eos_token_id", "pad_token_id"];

    /// <summary>Gets the token that begins a text, or <see langword="null"/>.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Gets the tokens that end a text.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>Gets the token that fills short rows, or <see langword="null"/>.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>Gets every other key of the file, so that a checkpoint keeps them.</summary>
    public JsonObject Other { get; init; } = [];

    /// <summary>Reads a <c>generation_config.json</c>, or the same keys of a <c>config.json</c>.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">A key has another type; the message names it.</exception>
    public static GenerationConfig FromJson(string json, string source = "generation_config.json")
    {
        ArgumentNullException.ThrowIfNull(json);
        var root = CheckpointJson.Parse(json, source);
        var ends = root["eos_token_id"] is JsonArray list ? [.. list.Select(node => Token(node, "eos_token_id", source) ?? throw new InvalidDataException($"'{source}': key 'eos_token_id' holds null; expected token ids."))] : Single(root["eos_token_id"], source);
        var config = new GenerationConfig
        {
            BosTokenId = Token(root["bos_token_id"], "bos_token_id", source),
            EosTokenIds = ends,
            PadTokenId = Token(root["pad_token_id"], "pad_token_id", source),
            Other = root,
        };
        foreach (string key in TokenKeys)
        {
            root.Remove(key);
        }

        return config;
    }

    /// <summary>Writes the configuration as Hugging Face reads it.</summary>
    public JsonObject ToJson()
    {
        var json = (JsonObject)Other.DeepClone();
        foreach (var (key, value) in TokenKeysToJson())
        {
            json[key] = value;
        }

        return json;
    }

    /// <summary>Gets the keys that both <c>generation_config.json</c> and <c>config.json</c> hold.</summary>
    internal IEnumerable<(string Key, JsonNode? Value)> TokenKeysToJson()
    {
        yield return ("bos_token_id", BosTokenId);
        yield return ("eos_token_id", EosTokenIds.Count == 1 ? EosTokenIds[0] : EosTokenIds.Count == 0 ? null : new JsonArray([.. EosTokenIds.Select(id => (JsonNode)id)]));
        yield return ("pad_token_id", PadTokenId);
    }

    private static int[] Single(JsonNode? node, string source) => Token(node, "eos_token_id", source) is { } token ? [token] : [];

    private static int? Token(JsonNode? node, string key, string source) =>
        node is null ? null
        : node.GetValueKind() == JsonValueKind.Number && node.AsValue().TryGetValue(out int token) && token >= 0 ? token
        : throw new InvalidDataException($"'{source}': key '{key}' is {node.ToJsonString()}; expected a token id.");
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniOneRec.Pretrained;

/// <summary>Reads values of a <c>tokenizer_config.json</c>; every error names file and key.</summary>
internal sealed class TokenizerConfigReader(string source)
{
    /// <summary>Gets the text of a token, given as a text or as an object with its content.</summary>
    public string? TokenText(JsonNode? node, string key) => node is JsonObject entry ? Text(entry["content"], key) : Text(node, key);

    public string? Text(JsonNode? node, string key) => node switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String => (string?)value,
        _ => throw Bad(key, node, "a text"),
    };

    public bool? Flag(JsonNode? node, string key) => node?.GetValueKind() switch
    {
        null => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Bad(key, node, "true or false"),
    };

    /// <summary>Gets the texts of a list or map of tokens.</summary>
    public IReadOnlyList<string> TokenTexts(JsonNode? node, string key) => node switch
    {
        null => [],
        JsonArray list => [.. list.Select(item => TokenText(item, key) ?? throw Bad(key, list, "tokens"))],
        JsonObject map =>
        [.. map.Where(pair => pair.Value is not JsonArray).Select(pair => TokenText(pair.Value, key) ?? throw Bad(key, map, "tokens"))],
        _ => throw Bad(key, node, "a list of tokens"),
    };

    /// <summary>Gets the chat templates by name; a lone one has the empty name.</summary>
    public Dictionary<string, string> Templates(JsonNode? node)
    {
        const string key = "chat_template";
        var templates = new Dictionary<string, string>(StringComparer.Ordinal);
        switch (node)
        {
            case null:
                break;
            case JsonArray list:
                foreach (var item in list)
                {
                    var entry = item as JsonObject ?? throw Bad(key, list, "objects with name and template");
                    string name = Text(entry["name"], $"{key}.name") ?? throw Bad(key, entry, "an object with a name");
                    string template = Text(entry["template"], $"{key}.template") ?? throw Bad(key, entry, "an object with a template");
                    templates[name] = templates.ContainsKey(name) ? throw Bad(key, entry, "each name once") : template;
                }

                break;
            case JsonObject map:
                foreach (var (name, value) in map)
                {
                    templates[name] = Text(value, $"{key}.{name}") ?? throw Bad(key, map, "a template for each name");
                }

                break;
            default:
                templates[""] = Text(node, key)!;
                break;
        }

        return templates;
    }

    /// <summary>Gets the added tokens by id.</summary>
    public IReadOnlyList<AddedToken> AddedTokens(JsonNode? node)
    {
        const string key = "added_tokens_decoder";
        if (node is null)
        {
            return [];
        }

        var tokens = new List<AddedToken>();
        foreach (var (number, value) in node as JsonObject ?? throw Bad(key, node, "an object"))
        {
            string path = $"{key}.{number}";
            var entry = value as JsonObject ?? throw Bad(path, value, "an object");
            if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int id) || id >= TokenizerJson.MaxTokens
                || Text(entry["content"], path) is not { Length: > 0 } content)
            {
                throw Bad(path, entry, $"an object with content, under an id below {TokenizerJson.MaxTokens}");
            }

            tokens.Add(new AddedToken(id, content)
            {
                Special = Flag(entry["special"], $"{path}.special") ?? false,
                Normalized = Flag(entry["normalized"], $"{path}.normalized") ?? !(Flag(entry["special"], path) ?? false),
                SingleWord = Flag(entry["single_word"], $"{path}.single_word") ?? false,
                LeftStrip = Flag(entry["lstrip"], $"{path}.lstrip") ?? false,
                RightStrip = Flag(entry["rstrip"], $"{path}.rstrip") ?? false,
            });
        }

        return tokens;
    }

    private InvalidDataException Bad(string key, JsonNode? value, string expected)
    {
        string text = value?.ToJsonString() ?? "null";
        return new InvalidDataException($"'{source}': key '{key}' is {(text.Length > 80 ? text[..80] + "…" : text)}; expected {expected}.");
    }
}

using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling;

/// <summary>What lies beside a <c>tokenizer.json</c>: named tokens and the chat template.</summary>
internal sealed record TokenizerSettings
{
    public const string ConfigFile = "tokenizer_config.json";
    private const string TemplateFile = "chat_template.jinja";

    /// <summary>End tokens of the usual families, most specific first, for files that name none.</summary>
    public static readonly string[] UsualEndTokens = ["<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "</s>"];

    public string? BeginToken { get; init; }

    public string? EndToken { get; init; }

    public string? PadToken { get; init; }

    public string? ChatTemplate { get; init; }

    /// <summary>Gets every key of the file, so that a saved tokenizer keeps them.</summary>
    public JsonObject Other { get; init; } = [];

    /// <summary>Reads <c>tokenizer_config.json</c> and <c>chat_template.jinja</c> where they exist.</summary>
    /// <exception cref="InvalidDataException">A file is malformed.</exception>
    public static TokenizerSettings Read(string folder)
    {
        string path = Path.Combine(folder, ConfigFile), template = Path.Combine(folder, TemplateFile);
        var settings = File.Exists(path) ? FromJson(CheckpointJson.ReadText(path), path) : new TokenizerSettings();
        return File.Exists(template) ? settings with { ChatTemplate = CheckpointJson.ReadText(template) } : settings;
    }

    /// <summary>Reads the text of a <c>tokenizer_config.json</c>.</summary>
    public static TokenizerSettings FromJson(string json, string source)
    {
        try
        {
            var root = CheckpointJson.Parse(json, source);
            return new TokenizerSettings
            {
                BeginToken = TokenText(root["bos_token"], "bos_token", source),
                EndToken = TokenText(root["eos_token"], "eos_token", source),
                PadToken = TokenText(root["pad_token"], "pad_token", source),
                ChatTemplate = root["chat_template"]?.GetValueKind() == JsonValueKind.String ? (string?)root["chat_template"] : null,
                Other = root,
            };
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException($"'{source}' is no valid JSON: {e.Message}", e);
        }
    }

    /// <summary>Writes the settings as Hugging Face reads them.</summary>
    public JsonObject ToJson()
    {
        var json = (JsonObject)Other.DeepClone();
        json["tokenizer_class"] ??= "PreTrainedTokenizerFast";
        foreach (var (key, value) in new[] { ("bos_token", BeginToken), ("eos_token", EndToken), ("pad_token", PadToken), ("chat_template", ChatTemplate) })
        {
            if (value is not null)
            {
                json[key] = value;
            }
        }

        return json;
    }

    private static string? TokenText(JsonNode? node, string key, string source) => node switch
    {
        null => null,
        JsonObject entry => TokenText(entry["content"], key, source),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => (string?)value,
        _ => throw new InvalidDataException($"'{source}': key '{key}' is {node.ToJsonString()}; expected a token's text."),
    };
}

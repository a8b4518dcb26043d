using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Modeling;

namespace MiniOneRec.Pretrained;

/// <summary>What lies beside a <c>tokenizer.json</c>: named tokens, flags and chat templates.</summary>
internal sealed record TokenizerSettings
{
    public const string ConfigFile = HuggingFaceFolder.TokenizerConfigFile;
    private const string TemplateFile = "chat_template.jinja";
    private const string DefaultTemplate = "default";

    /// <summary>End tokens of the usual families, most specific first, for files that name none.</summary>
    public static readonly string[] UsualEndTokens = ["<|im_end|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "</s>"];

    // In the order in which Hugging Face adds those that the vocabulary lacks.
    private static readonly string[] SpecialKeys =
        ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    // Classes that write the begin token unless the files say otherwise.
    private static readonly string[] BeginningClasses =
        ["LlamaTokenizer", "LlamaTokenizerFast", "CodeLlamaTokenizer", "CodeLlamaTokenizerFast", "GemmaTokenizer", "GemmaTokenizerFast",
            "CohereTokenizer", "CohereTokenizerFast"];

    public string? BeginToken { get; init; }

    public string? EndToken { get; init; }

    public string? PadToken { get; init; }

    public string? UnknownToken { get; init; }

    /// <summary>Gets the chat template that applies, or <see langword="null"/> where there is none or none is named
    /// <c>default</c>.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>Gets the named chat templates; empty where the file has at most one.</summary>
    public IReadOnlyDictionary<string, string> NamedTemplates { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets whether the begin token stands before every text, or <see langword="null"/> where the configuration does not
    /// say.</summary>
    public bool? AddsBeginToken { get; init; }

    /// <summary>Gets whether the class of the tokenizer writes the begin token where nothing else is said.</summary>
    public bool ClassAddsBeginToken { get; init; }

    /// <summary>Gets whether text is given a space before it, or <see langword="null"/> where the configuration does not say.</summary>
    public bool? AddPrefixSpace { get; init; }

    /// <summary>Gets the added tokens of the configuration, whose flags win over those of <c>tokenizer.json</c>.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    /// <summary>Gets the texts of all tokens that are named as special.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = [];

    /// <summary>Gets the keys of the file that are not known.</summary>
    public IReadOnlyList<string> UnknownKeys { get; init; } = [];

    /// <summary>Gets the file that was read, for messages.</summary>
    public string Source { get; init; } = ConfigFile;

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

    /// <summary>Reads the text of a <c>tokenizer_config.json</c>; half a surrogate pair is read as U+FFFD.</summary>
    /// <exception cref="InvalidDataException">The text is malformed, or a key is refused; the message names file and key.</exception>
    public static TokenizerSettings FromJson(string json, string source)
    {
        var root = CheckpointJson.Parse(JsonTexts.Repaired(json), source);
        var unknown = new SortedSet<string>(StringComparer.Ordinal);
        using (var document = JsonDocument.Parse(root.ToJsonString()))
        {
            TokenizerKeys.Check(TokenizerKeys.Config, "", document.RootElement, source, unknown);
        }

        var reader = new TokenizerConfigReader(source);
        var templates = reader.Templates(root["chat_template"]);
        return new TokenizerSettings
        {
            BeginToken = reader.TokenText(root["bos_token"], "bos_token"),
            EndToken = reader.TokenText(root["eos_token"], "eos_token"),
            PadToken = reader.TokenText(root["pad_token"], "pad_token"),
            UnknownToken = reader.TokenText(root["unk_token"], "unk_token"),
            ChatTemplate = templates.GetValueOrDefault(root["chat_template"] is JsonValue ? "" : DefaultTemplate),
            NamedTemplates = root["chat_template"] is JsonValue ? new Dictionary<string, string>() : templates,
            AddsBeginToken = reader.Flag(root["add_bos_token"], "add_bos_token"),
            ClassAddsBeginToken = BeginningClasses.Contains(reader.Text(root["tokenizer_class"], "tokenizer_class")),
            AddPrefixSpace = reader.Flag(root["add_prefix_space"], "add_prefix_space"),
            AddedTokens = reader.AddedTokens(root["added_tokens_decoder"]),
            SpecialTokens =
            [
                .. SpecialKeys.Select(key => reader.TokenText(root[key], key)).OfType<string>(),
                .. reader.TokenTexts(root["additional_special_tokens"], "additional_special_tokens"),
                .. reader.TokenTexts(root["extra_special_tokens"], "extra_special_tokens"),
            ],
            UnknownKeys = [.. unknown],
            Source = source,
            Other = root,
        };
    }

    /// <summary>Adds to a tokenizer what its configuration says: tokens, their flags and the space before a text.</summary>
    /// <param name="definition">The tokenizer.</param>
    /// <param name="addsMissing">Whether special tokens that the vocabulary lacks are added behind it, as Hugging Face does.</param>
    /// <exception cref="InvalidDataException">An added token has the id of another one, or another id.</exception>
    public TokenizerDefinition Apply(TokenizerDefinition definition, bool addsMissing)
    {
        if (AddedTokens.Count == 0 && SpecialTokens.Count == 0 && AddPrefixSpace is null)
        {
            return definition;
        }

        var tokens = definition.AddedTokens.ToList();
        var places = tokens.Select((token, i) => (token.Content, i))
            .ToDictionary(pair => pair.Content, pair => pair.i, StringComparer.Ordinal);
        var contents = definition.Vocabulary.ToDictionary(pair => pair.Value, pair => pair.Key);
        tokens.ForEach(token => contents[token.Id] = token.Content);
        foreach (var token in AddedTokens)
        {
            bool known = places.TryGetValue(token.Content, out int place);
            int? id = known ? tokens[place].Id : definition.Vocabulary.TryGetValue(token.Content, out int old) ? old : null;
            if ((id is not null && id != token.Id) || (contents.TryGetValue(token.Id, out string? other) && other != token.Content))
            {
                throw new InvalidDataException(
                    $"'{Source}': key 'added_tokens_decoder.{token.Id}' is '{token.Content}'; "
                    + "expected content and id that no other token has.");
            }

            contents[token.Id] = token.Content;
            if (known)
            {
                tokens[place] = token;
            }
            else
            {
                places[token.Content] = tokens.Count;
                tokens.Add(token);
            }
        }

        int next = contents.Keys.Max() + 1;
        foreach (string text in SpecialTokens.Where(text => text.Length > 0))
        {
            bool known = definition.Vocabulary.TryGetValue(text, out int id);
            if ((known || addsMissing) && places.TryAdd(text, tokens.Count))
            {
                tokens.Add(new AddedToken(known ? id : next++, text) { Special = true });
            }
        }

        bool addsSpace = definition.IsByteLevelAlone && AddPrefixSpace is { } adds ? adds : definition.AddPrefixSpace;
        return definition with { AddedTokens = tokens, AddPrefixSpace = addsSpace };
    }

    /// <summary>Writes the settings as Hugging Face reads them.</summary>
    public JsonObject ToJson()
    {
        var json = (JsonObject)Other.DeepClone();
        json["tokenizer_class"] ??= "PreTrainedTokenizerFast";
        bool keepsTemplates = ChatTemplate is null
            || (NamedTemplates.TryGetValue(DefaultTemplate, out string? template) && template == ChatTemplate);
        foreach (var (key, value) in new[] { ("bos_token", BeginToken), ("eos_token", EndToken), ("pad_token", PadToken),
            ("chat_template", keepsTemplates ? null : ChatTemplate) })
        {
            if (value is not null)
            {
                json[key] = value;
            }
        }

        if (AddsBeginToken is { } adds)
        {
            json["add_bos_token"] = adds;
        }

        return json;
    }
}

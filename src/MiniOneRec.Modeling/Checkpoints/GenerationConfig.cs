using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <summary>Holds the decoding settings of a checkpoint, as a Hugging Face <c>generation_config.json</c> stores them.</summary>
/// <remarks>
/// <see cref="TextGenerator"/> writes free text greedily and follows these keys. Constrained search for semantic IDs does not: the
/// catalogue's tree and the options of the search decide there. Keys that would change greedy text and are not implemented are refused when
/// the file is read.
/// </remarks>
public sealed record GenerationConfig
{
    /// <summary>Gets the token that begins a text, or <see langword="null"/>.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Gets the tokens that end a text.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>Gets the token that fills short rows, or <see langword="null"/>.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>Gets the most tokens of a text and its prompt, or <see langword="null"/>.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Gets the most tokens that are written, or <see langword="null"/>; goes before <see cref="MaxLength"/>.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>Gets how many tokens text and prompt have at least before an end token may come.</summary>
    public int MinLength { get; init; }

    /// <summary>Gets how many tokens are written at least before an end token may come.</summary>
    public int MinNewTokens { get; init; }

    /// <summary>Gets what the logits of tokens that stand in the text already are divided by, and multiplied where negative; 1 changes
    /// nothing.</summary>
    /// <remarks>Keskar et al. (arXiv:1909.05858), Section 4.1.</remarks>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Gets the length of token sequences that may not come twice; 0 allows all.</summary>
    public int NoRepeatNgramSize { get; init; }

    /// <summary>Gets sequences of tokens that are never completed.</summary>
    public IReadOnlyList<IReadOnlyList<int>> BadWordsIds { get; init; } = [];

    /// <summary>Gets tokens that are never written.</summary>
    public IReadOnlyList<int> SuppressTokens { get; init; } = [];

    /// <summary>Gets tokens that are not written first.</summary>
    public IReadOnlyList<int> BeginSuppressTokens { get; init; } = [];

    /// <summary>Gets the token that follows a prompt of one token, or <see langword="null"/>.</summary>
    public int? ForcedBosTokenId { get; init; }

    /// <summary>Gets the tokens of which one ends a text that reaches its limit; empty forces none.</summary>
    public IReadOnlyList<int> ForcedEosTokenIds { get; init; } = [];

    /// <summary>Gets every other key of the file, so that a checkpoint keeps them.</summary>
    public JsonObject Other { get; init; } = [];

    /// <summary>Reads a <c>generation_config.json</c>, or the same keys of a <c>config.json</c>.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">A key has another type, or would change the text and is not implemented; the message names
    /// it.</exception>
    public static GenerationConfig FromJson(string json, string source = "generation_config.json") =>
        FromJson(json, source, IsOwn(source), null);

    /// <summary>Reads a <c>generation_config.json</c>, or the same keys of a <c>config.json</c>.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <param name="logger">Is told once of keys that are ignored.</param>
    /// <exception cref="InvalidDataException">A key has another type, or would change the text and is not implemented; the message names
    /// it.</exception>
    public static GenerationConfig FromJson(string json, string source, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(logger);
        var notes = new List<string>();
        var config = FromJson(json, source, IsOwn(source), notes);
        notes.ForEach(note => Log.SettingsNote(logger, note));
        return config;
    }

    /// <summary>Reads the keys.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <param name="own">Whether the file is about generation alone, so that other keys are unknown ones.</param>
    /// <param name="notes">Receives lines on keys that are ignored.</param>
    internal static GenerationConfig FromJson(string json, string source, bool own, ICollection<string>? notes)
    {
        ArgumentNullException.ThrowIfNull(json);
        var config = ConfigReader.Parse(json, source, reader => Read(reader, own, notes));
        var root = CheckpointJson.Parse(json, source);
        foreach (var row in GenerationConfigKeys.Table.Rows.Where(row => row.Use == KeyUse.Honoured))
        {
            root.Remove(row.Name);
        }

        return config with { Other = root };
    }

    /// <summary>Writes the configuration as Hugging Face reads it.</summary>
    public JsonObject ToJson()
    {
        var json = (JsonObject)Other.DeepClone();
        foreach (var (key, value) in TokenKeysToJson())
        {
            json[key] = value;
        }

        foreach (var (key, value, isSet) in new (string, JsonNode?, bool)[]
        {
            ("max_length", MaxLength, MaxLength is not null),
            ("max_new_tokens", MaxNewTokens, MaxNewTokens is not null),
            ("min_length", MinLength, MinLength != 0),
            ("min_new_tokens", MinNewTokens, MinNewTokens != 0),
            ("repetition_penalty", RepetitionPenalty, RepetitionPenalty != 1),
            ("no_repeat_ngram_size", NoRepeatNgramSize, NoRepeatNgramSize != 0),
            ("bad_words_ids", new JsonArray([.. BadWordsIds.Select(Tokens)]), BadWordsIds.Count > 0),
            ("suppress_tokens", Tokens(SuppressTokens), SuppressTokens.Count > 0),
            ("begin_suppress_tokens", Tokens(BeginSuppressTokens), BeginSuppressTokens.Count > 0),
            ("forced_bos_token_id", ForcedBosTokenId, ForcedBosTokenId is not null),
            ("forced_eos_token_id", OneOrMany(ForcedEosTokenIds), ForcedEosTokenIds.Count > 0),
        })
        {
            if (isSet)
            {
                json[key] = value;
            }
        }

        return json;
    }

    /// <summary>Gets the keys that both <c>generation_config.json</c> and <c>config.json</c> hold.</summary>
    internal IEnumerable<(string Key, JsonNode? Value)> TokenKeysToJson()
    {
        yield return ("bos_token_id", BosTokenId);
        yield return ("eos_token_id", OneOrMany(EosTokenIds));
        yield return ("pad_token_id", PadTokenId);
    }

    private static GenerationConfig Read(ConfigReader reader, bool own, ICollection<string>? notes)
    {
        // In a config.json the other keys belong to the architecture, and are judged there.
        GenerationConfigKeys.Table.Check(reader, own ? notes : null);
        return new GenerationConfig
        {
            BosTokenId = Token(reader, "bos_token_id"),
            EosTokenIds = OneOrMany(reader, "eos_token_id"),
            PadTokenId = Token(reader, "pad_token_id"),
            MaxLength = reader.Value("max_length") is null ? null : Count(reader, "max_length", 1, 0),
            MaxNewTokens = reader.Value("max_new_tokens") is null ? null : Count(reader, "max_new_tokens", 1, 0),
            MinLength = Count(reader, "min_length", 0, 0),
            MinNewTokens = Count(reader, "min_new_tokens", 0, 0),
            RepetitionPenalty = reader.Number("repetition_penalty", 1) is > 0 and var penalty ? penalty
            : throw reader.Bad("repetition_penalty", reader.Value("repetition_penalty")!.Value, "a number above 0"),
            NoRepeatNgramSize = Count(reader, "no_repeat_ngram_size", 0, 0),
            BadWordsIds = Words(reader, "bad_words_ids"),
            SuppressTokens = Many(reader, "suppress_tokens"),
            BeginSuppressTokens = Many(reader, "begin_suppress_tokens"),
            ForcedBosTokenId = Token(reader, "forced_bos_token_id"),
            ForcedEosTokenIds = OneOrMany(reader, "forced_eos_token_id"),
        };
    }

    private static bool IsOwn(string source) =>
        !string.Equals(Path.GetFileName(source), HuggingFaceFolder.ConfigFile, StringComparison.Ordinal);

    private static JsonArray Tokens(IReadOnlyList<int> tokens) => new([.. tokens.Select(id => (JsonNode)id)]);

    private static JsonNode? OneOrMany(IReadOnlyList<int> tokens) => tokens.Count switch { 0 => null, 1 => tokens[0], _ => Tokens(tokens) };

    private static int Count(ConfigReader reader, string key, int least, int fallback) =>
        reader.Integer(key, fallback) is var count && (count >= least || reader.Value(key) is null) ? count
            : throw reader.Bad(key, reader.Value(key)!.Value, $"at least {least}");

    private static int? Token(ConfigReader reader, string key) => reader.Value(key) is not { } value ? null : Id(reader, key, value);

    private static int[] OneOrMany(ConfigReader reader, string key) =>
        reader.Value(key) is not { } value ? [] : value.ValueKind == JsonValueKind.Array ? Ids(reader, key, value)
            : [Id(reader, key, value)];

    private static int[] Many(ConfigReader reader, string key) => reader.Value(key) is not { } value ? [] : Ids(reader, key, value);

    private static int[][] Words(ConfigReader reader, string key) =>
        reader.Value(key) is not { } value ? []
        : value.ValueKind != JsonValueKind.Array ? throw reader.Bad(key, value, "a list of lists of token ids")
        : [.. value.EnumerateArray().Select(word => Ids(reader, key, word) is { Length: > 0 } ids ? ids
            : throw reader.Bad(key, word, "a list of token ids, not empty"))];

    private static int[] Ids(ConfigReader reader, string key, JsonElement list) =>
        list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray().Select(id => Id(reader, key, id))]
            : throw reader.Bad(key, list, "a list of token ids");

    private static int Id(ConfigReader reader, string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) && id >= 0 ? id
            : throw reader.Bad(key, value, "a token id");
}

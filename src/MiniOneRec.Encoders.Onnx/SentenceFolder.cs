using System.Text.Json;

namespace MiniOneRec.Encoders.Onnx;

/// <summary>What the files of a sentence-transformers folder say.</summary>
/// <param name="ModelPath">The ONNX file.</param>
/// <param name="Vocabulary">The tokens by id.</param>
/// <param name="VocabularyPath">The file that they came from.</param>
/// <param name="Pooling">The pooling.</param>
/// <param name="Normalise">Whether vectors are scaled to unit length.</param>
/// <param name="MaxTokens">How many tokens of a text count.</param>
/// <param name="LowerCase">Whether text is lower-cased.</param>
/// <param name="StripAccents">Whether accents are removed; <see langword="null"/> where lower-casing decides.</param>
internal sealed record SentenceFolder(
    string ModelPath, IReadOnlyList<string> Vocabulary, string VocabularyPath, TextPooling Pooling, bool Normalise, int MaxTokens,
    bool LowerCase, bool? StripAccents)
{
    private static readonly (string Key, TextPooling? Pooling)[] PoolingKeys =
    [
        ("pooling_mode_mean_tokens", TextPooling.Mean), ("pooling_mode_cls_token", TextPooling.Cls),
            ("pooling_mode_lasttoken", TextPooling.LastToken),
        ("pooling_mode_max_tokens", null), ("pooling_mode_mean_sqrt_len_tokens", null), ("pooling_mode_weightedmean_tokens", null),
    ];

    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="FileNotFoundException">The model or the tokenizer is missing.</exception>
    /// <exception cref="InvalidDataException">A file says what this encoder cannot do; the message names file and key.</exception>
    public static SentenceFolder Read(string folder, OnnxTextEncoderOptions options)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"Encoder folder '{folder}' does not exist.");
        }

        string[] models = options.ModelFile is { } named ? [named] : ["model.onnx", Path.Combine("onnx", "model.onnx")];
        string model = models.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException($"Encoder folder '{folder}' holds no model; expected {string.Join(" or ", models)}.");
        var (pooling, normalise) = Modules(folder);
        var sentence = JsonFile.TryRead(Path.Combine(folder, "sentence_bert_config.json"));
        var tokenizer = JsonFile.TryRead(Path.Combine(folder, "tokenizer_config.json"));
        var config = JsonFile.TryRead(Path.Combine(folder, "config.json"));
        var (vocabulary, path) = ReadVocabulary(folder);
        int? limit = sentence?.Integer("max_seq_length") ?? tokenizer?.Integer("model_max_length");
        int? positions = config?.Integer("max_position_embeddings");
        return new SentenceFolder(
            model, vocabulary, path, pooling, normalise,
            Math.Min(limit ?? 256, positions ?? int.MaxValue),
            sentence?.Boolean("do_lower_case") == true || (tokenizer?.Boolean("do_lower_case") ?? true),
            tokenizer?.Boolean("strip_accents"));
    }

    private static (TextPooling Pooling, bool Normalise) Modules(string folder)
    {
        string path = Path.Combine(folder, "modules.json");
        if (JsonFile.TryRead(path) is not { } modules)
        {
            return (TextPooling.Mean, false);                   // what sentence-transformers does with a bare transformer
        }

        if (modules.Root.ValueKind != JsonValueKind.Array)
        {
            throw new InvalidDataException($"'{path}' must be a list of modules.");
        }

        var (pooling, normalise) = ((TextPooling?)null, false);
        foreach (var module in modules.Root.EnumerateArray())
        {
            string type = module.ValueKind == JsonValueKind.Object && module.TryGetProperty("type", out var named) ? named.ToString() : "";
            string place = module.ValueKind == JsonValueKind.Object && module.TryGetProperty("path", out var given) ? given.ToString() : "";
            switch (type[(type.LastIndexOf('.') + 1)..])
            {
                case "Transformer":
                    break;
                case "Normalize":
                    normalise = true;
                    break;
                case "Pooling":
                    pooling = ReadPooling(Path.Combine(folder, place, "config.json"));
                    break;
                default:
                    throw new InvalidDataException($"'{path}' names the module '{type}'; expected Transformer, Pooling and Normalize.");
            }
        }

        return (pooling ?? TextPooling.Mean, normalise);
    }

    private static TextPooling ReadPooling(string path)
    {
        var config = JsonFile.TryRead(path) ?? throw new FileNotFoundException($"'{path}' does not exist; modules.json names it.", path);
        var chosen = PoolingKeys.Where(entry => config.Boolean(entry.Key) == true).ToArray();
        return chosen is [{ Pooling: { } pooling }]
            ? pooling
            : throw new InvalidDataException(
                $"'{path}' asks for the pooling [{string.Join(", ", chosen.Select(entry => entry.Key))}]; "
                + "expected exactly one of pooling_mode_mean_tokens, pooling_mode_cls_token and pooling_mode_lasttoken.");
    }

    private static (IReadOnlyList<string> Vocabulary, string Path) ReadVocabulary(string folder)
    {
        string lines = Path.Combine(folder, "vocab.txt"), json = Path.Combine(folder, "tokenizer.json");
        if (File.Exists(lines))
        {
            return (File.ReadAllLines(lines), lines);
        }

        var file = JsonFile.TryRead(json)
            ?? throw new FileNotFoundException($"Encoder folder '{folder}' holds no tokenizer; expected vocab.txt or tokenizer.json.");
        var model = file.Root.ValueKind == JsonValueKind.Object && file.Root.TryGetProperty("model", out var found) ? found : default;
        string type = model.ValueKind == JsonValueKind.Object && model.TryGetProperty("type", out var named) ? named.ToString() : "none";
        if (type != "WordPiece" || !model.TryGetProperty("vocab", out var vocab) || vocab.ValueKind != JsonValueKind.Object)
        {
            throw new InvalidDataException($"'{json}', key 'model': a tokenizer of type {type}; expected WordPiece with its 'vocab'.");
        }

        var tokens = vocab.EnumerateObject().Select(entry => (entry.Name, Id: entry.Value.TryGetInt32(out int id) ? id : -1))
            .OrderBy(entry => entry.Id).ToArray();
        return tokens.Index().All(entry => entry.Item.Id == entry.Index)
            ? ([.. tokens.Select(entry => entry.Name)], json)
            : throw new InvalidDataException($"'{json}', key 'model.vocab': expected the ids 0 to {tokens.Length - 1}, each once.");
    }
}

using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;

namespace MiniOneRec.Alignment;

/// <summary>PEFT's <c>adapter_config.json</c>.</summary>
/// <param name="Options">The adapters.</param>
/// <param name="Rows">The rows of embedding and head that were trained, by the last part of the matrix's name.</param>
internal sealed record PeftConfig(LoraOptions Options, IReadOnlyDictionary<string, int[]> Rows)
{
    public const string FileName = "adapter_config.json";

    /// <summary>Reads the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="json">Its text.</param>
    /// <param name="notes">Receives a line on the keys that are not known.</param>
    /// <exception cref="InvalidDataException">The text is no such configuration, or describes adapters that are not implemented; the
    /// message names the key.</exception>
    public static PeftConfig Read(string path, string json, ICollection<string>? notes = null) => ConfigReader.Parse(json, path, reader =>
    {
        if (reader.Text("peft_type") is not "LORA" and var type)
        {
            throw reader.Bad("peft_type", reader.Value("peft_type")!.Value, "'LORA'");
        }

        AdapterConfigKeys.Table.Check(reader, notes);
        CheckInitialisation(reader);
        var options = new LoraOptions
        {
            Rank = Rank(reader, "r", reader.Integer("r")),
            Alpha = Alpha(reader, "lora_alpha", reader.Number("lora_alpha")),
            Dropout = reader.Number("lora_dropout", 0) is >= 0 and <= 0.99 and var dropout ? dropout
            : throw Bad(reader, "lora_dropout", "0 to 0.99"),
            RankStabilised = reader.Flag("use_rslora", false),
            RankPattern = Pattern(reader, "rank_pattern",
            value => Rank(reader, "rank_pattern", value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int rank) ? rank : 0)),
            AlphaPattern = Pattern(reader, "alpha_pattern", value =>
            Alpha(reader, "alpha_pattern", value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double alpha) ? alpha : 0)),
            Layers = reader.Value("layers_to_transform") is { ValueKind: JsonValueKind.Number } ? [reader.Integer("layers_to_transform")]
            : reader.Integers("layers_to_transform"),
            LayersPattern = Names(reader, "layers_pattern"),
        };
        if (options.Layers?.Any(layer => layer < 0) == true)
        {
            throw Bad(reader, "layers_to_transform", "numbers of layers from 0 on");
        }

        ReadTargets(reader, options);
        var rows = ReadRows(reader);
        options.TrainNewRows = rows.Count > 0;
        return new PeftConfig(options, rows);
    });

    /// <summary>Writes the configuration as PEFT reads it.</summary>
    /// <param name="options">The adapters.</param>
    /// <param name="baseModel">The model that they belong to.</param>
    /// <param name="rows">The rows that were trained beside them, or <see langword="null"/>.</param>
    public static JsonObject Write(LoraOptions options, string baseModel, JsonObject? rows)
    {
        var json = new JsonObject
        {
            ["peft_type"] = "LORA",
            ["task_type"] = "CAUSAL_LM",
            ["base_model_name_or_path"] = baseModel,
            ["inference_mode"] = true,
            ["r"] = options.Rank,
            ["lora_alpha"] = options.Alpha,
            ["lora_dropout"] = options.Dropout,
            ["bias"] = "none",
            ["fan_in_fan_out"] = false,
            ["target_modules"] = options.TargetPattern is { } pattern ? pattern : LoraTargets.IsAll(options) ? LoraTargets.All
            : Texts(options.Targets),
            ["trainable_token_indices"] = rows,
        };
        foreach (var (key, value) in new (string, JsonNode?)[]
        {
            ("use_rslora", options.RankStabilised ? true : null),
            ("rank_pattern", options.RankPattern is { Count: > 0 } ranks
            ? new JsonObject(ranks.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))) : null),
            ("alpha_pattern", options.AlphaPattern is { Count: > 0 } alphas
            ? new JsonObject(alphas.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value))) : null),
            ("exclude_modules",
            options.ExcludedPattern is { } excluded ? excluded : options.ExcludedTargets is { Count: > 0 } names ? Texts(names) : null),
            ("layers_to_transform",
            options.Layers is { Count: > 0 } layers ? new JsonArray([.. layers.Select(layer => (JsonNode)layer)]) : null),
            ("layers_pattern", options.LayersPattern is { Count: > 0 } lists ? Texts(lists) : null),
        })
        {
            if (value is not null)
            {
                json[key] = value;
            }
        }

        return json;
    }

    // Names that PEFT draws new adapters by: some of them replace the base model's weights by what the adapter leaves over.
    private static void CheckInitialisation(ConfigReader reader)
    {
        const string key = "init_lora_weights";
        if (reader.Value(key) is { } value && value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            if (reader.Text(key).ToUpperInvariant() is not ("GAUSSIAN" or "EVA" or "ORTHOGONAL"))
            {
                throw Bad(
                    reader, key,
                    "true, false, gaussian, eva or orthogonal. PiSSA, OLoRA, CorDA, LoftQ and LoRA-GA belong to a base model whose weights "
                    + "were replaced; let PEFT convert the adapter (path_initial_model_for_weight_conversion) or merge it");
            }
        }
    }

    private static void ReadTargets(ConfigReader reader, LoraOptions options)
    {
        if (reader.Value("target_modules") is not { } targets)
        {
            throw new InvalidDataException(
                $"'{reader.Source}': key 'target_modules' is missing; expected names of maps, a regular expression or 'all-linear'.");
        }

        if (targets.ValueKind != JsonValueKind.String)
        {
            options.Targets = reader.Texts("target_modules") is { Length: > 0 } names ? names
                : throw Bad(reader, "target_modules", "at least one name");
        }
        else if (reader.Text("target_modules") is var text && string.Equals(text, LoraTargets.All, StringComparison.OrdinalIgnoreCase))
        {
            options.Targets = [LoraTargets.All];
        }
        else
        {
            options.TargetPattern = text;
            if (options.Layers is not null || options.LayersPattern is not null)
            {
                throw Bad(reader, options.Layers is not null ? "layers_to_transform" : "layers_pattern",
                    "none, for target_modules is a regular expression, which PEFT does not combine with it");
            }
        }

        if (options.LayersPattern is not null && options.Layers is null)
        {
            throw Bad(reader, "layers_pattern", "none without layers_to_transform");
        }

        if (reader.Value("exclude_modules") is { ValueKind: JsonValueKind.String })
        {
            options.ExcludedPattern = reader.Text("exclude_modules");
        }
        else
        {
            options.ExcludedTargets = reader.Texts("exclude_modules") is { Length: > 0 } excluded ? excluded : null;
        }
    }

    private static Dictionary<string, int[]> ReadRows(ConfigReader reader)
    {
        const string key = "trainable_token_indices";
        var rows = reader.Value(key) switch
        {
            null => [],
            { ValueKind: JsonValueKind.Object } => reader.Root.GetProperty(key).EnumerateObject()
            .ToDictionary(entry => entry.Name, entry => reader.Object(key)!.Value.Integers(entry.Name) ?? []),
            _ => new Dictionary<string, int[]> { ["embed_tokens"] = reader.Integers(key) ?? [] },
        };
        foreach (string name in rows.Where(entry => entry.Value.Length == 0).Select(entry => entry.Key).ToArray())
        {
            rows.Remove(name);
        }

        return rows.Keys.FirstOrDefault(name => name is not ("embed_tokens" or "lm_head")) is { } odd
            ? throw Bad(reader, key, $"rows of embed_tokens and lm_head, and none of '{odd}'")
            : rows;
    }

    private static Dictionary<string, T>? Pattern<T>(ConfigReader reader, string key, Func<JsonElement, T> read) =>
        reader.Object(key) is not { } entries ? null
        : entries.Root.EnumerateObject().ToDictionary(entry => entry.Name, entry => read(entry.Value)) is { Count: > 0 } pattern ? pattern
            : null;

    private static string[]? Names(ConfigReader reader, string key) =>
        reader.Value(key) is { ValueKind: JsonValueKind.String } ? (reader.Text(key) is { Length: > 0 } name ? [name] : null)
        : reader.Texts(key) is { Length: > 0 } names ? names : null;

    private static int Rank(ConfigReader reader, string key, int rank) => rank is >= 1 and <= 4_096 ? rank
        : throw Bad(reader, key, "ranks from 1 to 4096");

    private static double Alpha(ConfigReader reader, string key, double alpha) => alpha is >= 1e-6 and <= 1e6 ? alpha
        : throw Bad(reader, key, "numbers from 1e-6 to 1e6");

    private static InvalidDataException Bad(ConfigReader reader, string key, string expected) =>
        reader.Bad(key, reader.Value(key)!.Value, expected);

    private static JsonArray Texts(IReadOnlyList<string> texts) => new([.. texts.Select(text => (JsonNode)text)]);
}

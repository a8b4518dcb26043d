using Microsoft.Extensions.Logging;
using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <content>Reads <c>config.json</c> and checks that the figures make sense.</content>
public sealed partial record DecoderConfig
{
    private const string FullLayer = "full_attention";
    private const string SlidingLayer = "sliding_attention";

    /// <summary>What Hugging Face assumes where a file switches the window on and leaves its size out.</summary>
    private const int DefaultWindow = 4_096;

    /// <summary>What Hugging Face assumes where a file leaves the first windowed layer out.</summary>
    private const int DefaultWindowLayers = 28;

    /// <summary>Checks the figures.</summary>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">A figure makes no sense; the message names its key.</exception>
    public DecoderConfig Validated(string source = "config.json")
    {
        if (ModelType is not ("qwen2" or "qwen3" or "llama"))
        {
            throw new InvalidDataException($"'{source}': model_type is '{ModelType}'; expected qwen2, qwen3 or llama.");
        }

        foreach (var (key, value) in new (string, long)[]
        {
            ("vocab_size", VocabularySize), ("hidden_size", HiddenSize), ("intermediate_size", IntermediateSize),
                ("num_hidden_layers", LayerCount),
            ("num_attention_heads", HeadCount), ("num_key_value_heads", KeyValueHeadCount), ("head_dim", HeadWidth),
                ("max_position_embeddings", MaxPositions),
        })
        {
            if (value is < 1 or > 1 << 24)
            {
                throw new InvalidDataException($"'{source}': {key} is {value}; expected 1 to {1 << 24}.");
            }
        }

        string? problem = HeadCount % KeyValueHeadCount != 0
            ? $"num_attention_heads {HeadCount} is no multiple of num_key_value_heads {KeyValueHeadCount}"
            : _headWidth == 0 && HiddenSize % HeadCount != 0
                ? $"hidden_size {HiddenSize} is no multiple of num_attention_heads {HeadCount}, and head_dim is not given"
            : HeadWidth % 2 != 0 ? $"head_dim {HeadWidth} is odd; rotary positions need pairs"
            : !(RopeTheta >= 1 && double.IsFinite(RopeTheta)) ? $"rope_theta is {RopeTheta}; expected a number from 1 on"
            : !(NormEpsilon is >= 0 and < 1) ? $"rms_norm_eps is {NormEpsilon}; expected 0 to below 1"
            : !(InitializerRange >= 0 && double.IsFinite(InitializerRange))
                ? $"initializer_range is {InitializerRange}; expected a number from 0 on"
            : SlidingWindow < 0 ? $"sliding_window is {SlidingWindow}; expected at least 1"
            : SlidingWindow > 0 && ModelType == "llama"
                ? "sliding_window is set; models of type llama have no window, which Hugging Face would ignore"
            : WindowedLayers is { } layers && layers.Count != LayerCount
                ? $"layer_types has {layers.Count} entries; expected one for each of num_hidden_layers {LayerCount}"
            : !Enum.IsDefined(HiddenActivation) ? $"hidden_act is {HiddenActivation}; expected {Activations.Known}"
            : null;
        if (problem is not null)
        {
            throw new InvalidDataException($"'{source}': {problem}.");
        }

        RopeScaling?.Validate(source);
        return this;
    }

    /// <summary>Reads a Hugging Face <c>config.json</c>.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">
    /// The text is no such configuration, or a key asks for mathematics that this library does not have; the message names the key.
    /// </exception>
    public static DecoderConfig FromJson(string json, string source = "config.json") => FromJson(json, source, (ICollection<string>?)null);

    /// <summary>Reads a Hugging Face <c>config.json</c>.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <param name="logger">Is told once of the keys that the library does not know, and so ignores.</param>
    /// <exception cref="InvalidDataException">
    /// The text is no such configuration, or a key asks for mathematics that this library does not have; the message names the key.
    /// </exception>
    public static DecoderConfig FromJson(string json, string source, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(logger);
        var notes = new List<string>();
        var config = FromJson(json, source, notes);
        notes.ForEach(note => Log.SettingsNote(logger, note));
        return config;
    }

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <param name="notes">Receives a line on the keys that are not known.</param>
    internal static DecoderConfig FromJson(string json, string source, ICollection<string>? notes)
    {
        ArgumentNullException.ThrowIfNull(json);
        return ConfigReader.Parse(json, source, reader => Read(reader, notes).Validated(source));
    }

    private static DecoderConfig Read(ConfigReader reader, ICollection<string>? notes)
    {
        // What the model is comes first: another family's keys are no news then.
        string type = reader.Text("model_type");
        if (type is not ("qwen2" or "qwen3" or "llama"))
        {
            throw new InvalidDataException($"'{reader.Source}': model_type is '{type}'; expected qwen2, qwen3 or llama.");
        }

        DecoderConfigKeys.Table.Check(reader, notes);
        _ = SmallWeightFile.FormOf(reader);
        int heads = reader.Integer("num_attention_heads"), layers = reader.Integer("num_hidden_layers"),
            positions = reader.Integer("max_position_embeddings", 32_768);
        var (theta, rule) = RopeScaling.Read(reader, notes);
        var (window, windowed) = ReadWindow(reader, type, layers, positions);
        return new DecoderConfig
        {
            ModelType = type,
            VocabularySize = reader.Integer("vocab_size"),
            HiddenSize = reader.Integer("hidden_size"),
            IntermediateSize = reader.Integer("intermediate_size"),
            LayerCount = layers,
            HeadCount = heads,
            KeyValueHeadCount = reader.Integer("num_key_value_heads", heads),
            HeadWidth = reader.OptionalInteger("head_dim") is { } width
            ? (width > 0 ? width : throw reader.Bad("head_dim", reader.Value("head_dim")!.Value, "at least 1")) : type == "qwen3" ? 128 : 0,
            NormEpsilon = reader.Number("rms_norm_eps", 1e-6),
            RopeTheta = theta,
            RopeScaling = rule,
            TieWordEmbeddings = reader.Flag("tie_word_embeddings", false),
            AttentionBias = reader.Flag("attention_bias", type == "qwen2"),
            QueryKeyNorm = type == "qwen3",
            MaxPositions = positions,
            InitializerRange = reader.Number("initializer_range", 0.02),
            HiddenActivation = ReadActivation(reader),
            SlidingWindow = window,
            WindowedLayers = windowed,
        };
    }

    private static Activation ReadActivation(ConfigReader reader)
    {
        var activation = Of("hidden_act") ?? Activation.Silu;
        return (Of("hidden_activation") ?? activation) == activation
            ? activation
            : throw reader.Bad("hidden_activation", reader.Value("hidden_activation")!.Value,
                $"the function of hidden_act, {Activations.NameOf(activation)}");

        Activation? Of(string key) => reader.Value(key) is not { } value ? null
            : Activations.Parse(reader.Text(key)) ?? throw reader.Bad(key, value, Activations.Known);
    }

    // Qwen's rule: use_sliding_window switches the window on, layer_types says for which layers, else all from max_window_layers on.
    private static (int Window, bool[]? Layers) ReadWindow(ConfigReader reader, string type, int layers, int positions)
    {
        string[]? types = reader.Texts("layer_types");
        if (types?.FirstOrDefault(name => name is not (FullLayer or SlidingLayer)) is { } odd)
        {
            throw new InvalidDataException($"'{reader.Source}': key 'layer_types' names '{odd}'; expected {FullLayer} or {SlidingLayer}.");
        }

        if (types is not null && types.Length != layers)
        {
            throw new InvalidDataException(
                $"'{reader.Source}': key 'layer_types' has {types.Length} entries; expected one for each of num_hidden_layers {layers}.");
        }

        bool named = types?.Contains(SlidingLayer) == true, said = reader.Value("use_sliding_window") is not null,
            use = reader.Flag("use_sliding_window", named);
        int? size = reader.Has("sliding_window") ? reader.OptionalInteger("sliding_window") : DefaultWindow;
        int first = reader.Integer("max_window_layers", DefaultWindowLayers);
        if (type == "llama" && (use || named || (!said && reader.Has("sliding_window") && size < positions)))
        {
            throw new InvalidDataException(
                $"'{reader.Source}': key '{(use && said ? "use_sliding_window" : named ? "layer_types" : "sliding_window")}' asks for a "
                + "sliding window; models of type llama have none, and Hugging Face ignores it there. "
                + "Remove it to load the model with full attention.");
        }

        if (named && !use)
        {
            throw new InvalidDataException(
                $"'{reader.Source}': key 'layer_types' names {SlidingLayer}, while 'use_sliding_window' is false.");
        }

        if (!use || size is null)
        {
            return named && size is null
                ? throw new InvalidDataException(
                    $"'{reader.Source}': key 'layer_types' names {SlidingLayer}, while 'sliding_window' is null.")
                : (0, null);
        }

        if (size < 1 || first < 0)
        {
            throw size < 1
                ? reader.Bad("sliding_window", reader.Value("sliding_window")!.Value, "at least 1")
                : reader.Bad("max_window_layers", reader.Value("max_window_layers")!.Value, "at least 0");
        }

        // A count that cannot be is told by its own key, before anything of that size is made.
        bool[] windowed = types is not null ? [.. types.Select(name => name == SlidingLayer)]
            : [.. Enumerable.Range(0, Math.Clamp(layers, 0, 1 << 16)).Select(layer => layer >= first)];
        return !windowed.Contains(true) ? (0, null)
            : (size.Value, windowed.All(window => window) && layers == windowed.Length ? null : windowed);
    }
}

using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;

namespace MiniOneRec.Baselines.Generative;

/// <summary>The architecture of a T5 encoder-decoder, as a Hugging Face <c>config.json</c> describes it.</summary>
public sealed record T5Config
{
    /// <summary>Gets V, the number of tokens.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Gets D, the model width.</summary>
    public required int ModelWidth { get; init; }

    /// <summary>Gets Dh, the width of a head.</summary>
    public required int HeadWidth { get; init; }

    /// <summary>Gets F, the width inside the feed-forward block.</summary>
    public required int FeedForwardWidth { get; init; }

    /// <summary>Gets the number of encoder blocks.</summary>
    public required int EncoderLayers { get; init; }

    /// <summary>Gets the number of decoder blocks.</summary>
    public required int DecoderLayers { get; init; }

    /// <summary>Gets H, the number of heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Gets the number of classes of distance that attention tells apart.</summary>
    public int DistanceBuckets { get; init; } = 32;

    /// <summary>Gets the distance from which on all are one class.</summary>
    public int MaxDistance { get; init; } = 128;

    /// <summary>Gets the dropout rate of training.</summary>
    public double Dropout { get; init; } = 0.1;

    /// <summary>Gets ε of the RMS norms.</summary>
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>Gets the factor on the deviation of freshly drawn weights.</summary>
    public double InitializerFactor { get; init; } = 1;

    /// <summary>Gets the function of the feed-forward block.</summary>
    public Activation Activation { get; init; } = Activation.Relu;

    /// <summary>Gets whether the output head is the shared embedding.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Gets whether decoder outputs are multiplied by <c>D^-0.5</c> before the head.</summary>
    public bool ScaleDecoderOutputs { get; init; } = true;

    /// <summary>Gets the token that fills short rows.</summary>
    public int PadTokenId { get; init; }

    /// <summary>Gets the token that ends a sequence.</summary>
    public int EndTokenId { get; init; } = 1;

    /// <summary>Gets the token that begins the decoder's input.</summary>
    public int StartTokenId { get; init; }

    /// <summary>Checks the shape.</summary>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">A figure cannot be; the message names its key.</exception>
    public T5Config Validated(string source = "config.json")
    {
        foreach (var (key, value) in new[]
        {
            ("vocab_size", VocabularySize), ("d_model", ModelWidth), ("d_kv", HeadWidth), ("d_ff", FeedForwardWidth),
                ("num_layers", EncoderLayers),
            ("num_decoder_layers", DecoderLayers), ("num_heads", HeadCount), ("relative_attention_max_distance", MaxDistance),
        })
        {
            if (value is < 1 or > 1 << 24)
            {
                throw new InvalidDataException($"'{source}': {key} is {value}; expected 1 to {1 << 24}.");
            }
        }

        if (DistanceBuckets is < 4 or > 1 << 16 || DistanceBuckets % 4 != 0 || MaxDistance <= DistanceBuckets / 2)
        {
            throw new InvalidDataException(
                $"'{source}': relative_attention_num_buckets is {DistanceBuckets} and relative_attention_max_distance {MaxDistance}; "
                + "expected a multiple of 4 and more than half of it.");
        }

        foreach (var (key, value) in new[] { ("pad_token_id", PadTokenId), ("eos_token_id", EndTokenId),
            ("decoder_start_token_id", StartTokenId) })
        {
            if (value < 0 || value >= VocabularySize)
            {
                throw new InvalidDataException($"'{source}': {key} is {value}; expected 0 to below vocab_size {VocabularySize}.");
            }
        }

        string? problem = !(NormEpsilon is >= 0 and < 1) ? $"layer_norm_epsilon is {NormEpsilon}; expected 0 to below 1"
            : !(InitializerFactor >= 0 && double.IsFinite(InitializerFactor))
                ? $"initializer_factor is {InitializerFactor}; expected a number from 0 on"
            : !Enum.IsDefined(Activation) ? $"feed_forward_proj is {Activation}; expected {Activations.Known}"
            : Dropout is >= 0 and < 1 ? null
            : $"dropout_rate is {Dropout}; expected 0 to below 1";
        return problem is null ? this : throw new InvalidDataException($"'{source}': {problem}.");
    }

    /// <summary>Reads a Hugging Face <c>config.json</c>.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">The text is no such configuration; the message names the key.</exception>
    public static T5Config FromJson(string json, string source = "config.json") => FromJson(json, source, (ICollection<string>?)null);

    /// <summary>Reads a Hugging Face <c>config.json</c>.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <param name="logger">Is told once of the keys that the library does not know, and so ignores.</param>
    /// <exception cref="InvalidDataException">The text is no such configuration; the message names the key.</exception>
    public static T5Config FromJson(string json, string source, ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(logger);
        var notes = new List<string>();
        var config = FromJson(json, source, notes);
        notes.ForEach(note => Modeling.Log.SettingsNote(logger, note));
        return config;
    }

    /// <summary>Reads a <c>config.json</c>.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <param name="notes">Receives a line on the keys that are not known.</param>
    internal static T5Config FromJson(string json, string source, ICollection<string>? notes)
    {
        ArgumentNullException.ThrowIfNull(json);
        return ConfigReader.Parse(json, source, reader => Read(reader).Validated(source));

        T5Config Read(ConfigReader reader)
        {
            Expect(reader.Text("model_type"), "t5", "model_type");
            T5ConfigKeys.Table.Check(reader, notes);
            var activation = Of("feed_forward_proj") ?? Activation.Relu;
            if (Of("dense_act_fn") is { } dense && dense != activation)
            {
                throw reader.Bad("dense_act_fn", reader.Value("dense_act_fn")!.Value,
                    $"the function of feed_forward_proj, {Activations.NameOf(activation)}");
            }

            Activation? Of(string key) => reader.Value(key) is not { } value ? null
                : Activations.Parse(reader.Text(key))
                    ?? throw reader.Bad(key, value, $"{Activations.Known}; gated blocks are not implemented");
            bool tied = reader.Flag("tie_word_embeddings", true);
            int layers = reader.Integer("num_layers");
            return new T5Config
            {
                VocabularySize = reader.Integer("vocab_size"),
                ModelWidth = reader.Integer("d_model"),
                HeadWidth = reader.Integer("d_kv"),
                FeedForwardWidth = reader.Integer("d_ff"),
                EncoderLayers = layers,
                DecoderLayers = reader.Integer("num_decoder_layers", layers),
                HeadCount = reader.Integer("num_heads"),
                DistanceBuckets = reader.Integer("relative_attention_num_buckets", 32),
                MaxDistance = reader.Integer("relative_attention_max_distance", 128),
                Dropout = reader.Number("dropout_rate", 0.1),
                NormEpsilon = reader.Number("layer_norm_epsilon", 1e-6),
                InitializerFactor = reader.Number("initializer_factor", 1),
                Activation = activation,
                TieWordEmbeddings = tied,
                ScaleDecoderOutputs = reader.Flag("scale_decoder_outputs", tied),
                PadTokenId = reader.Integer("pad_token_id", 0),
                EndTokenId = reader.Integer("eos_token_id", 1),
                StartTokenId = reader.Integer("decoder_start_token_id", 0),
            };
        }

        void Expect(string value, string expected, string key)
        {
            if (value != expected)
            {
                throw new InvalidDataException($"'{source}': {key} is '{value}'; expected '{expected}'.");
            }
        }
    }

    /// <summary>Writes the configuration as Hugging Face reads it.</summary>
    /// <param name="dataType">The type of the weights, for example <c>float32</c>.</param>
    public JsonObject ToJson(string dataType = "float32") => new()
    {
        ["architectures"] = new JsonArray("T5ForConditionalGeneration"),
        ["d_ff"] = FeedForwardWidth,
        ["d_kv"] = HeadWidth,
        ["d_model"] = ModelWidth,
        ["decoder_start_token_id"] = StartTokenId,
        ["dropout_rate"] = Dropout,
        ["dtype"] = dataType,
        ["eos_token_id"] = EndTokenId,
        ["feed_forward_proj"] = Activations.NameOf(Activation),
        ["initializer_factor"] = InitializerFactor,
        ["is_encoder_decoder"] = true,
        ["layer_norm_epsilon"] = NormEpsilon,
        ["model_type"] = "t5",
        ["num_decoder_layers"] = DecoderLayers,
        ["num_heads"] = HeadCount,
        ["num_layers"] = EncoderLayers,
        ["pad_token_id"] = PadTokenId,
        ["relative_attention_max_distance"] = MaxDistance,
        ["relative_attention_num_buckets"] = DistanceBuckets,
        ["scale_decoder_outputs"] = ScaleDecoderOutputs,
        ["tie_word_embeddings"] = TieWordEmbeddings,
        ["torch_dtype"] = dataType,
        ["vocab_size"] = VocabularySize,
    };
}

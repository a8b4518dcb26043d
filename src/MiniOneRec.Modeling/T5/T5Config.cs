using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling;

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
            ("vocab_size", VocabularySize), ("d_model", ModelWidth), ("d_kv", HeadWidth), ("d_ff", FeedForwardWidth), ("num_layers", EncoderLayers),
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
                $"'{source}': relative_attention_num_buckets is {DistanceBuckets} and relative_attention_max_distance {MaxDistance}; expected a multiple of 4 and more than half of it.");
        }

        return Dropout is >= 0 and < 1 ? this : throw new InvalidDataException($"'{source}': dropout_rate is {Dropout}; expected 0 to below 1.");
    }

    /// <summary>Reads a Hugging Face <c>config.json</c>.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">The text is no such configuration; the message names the key.</exception>
    public static T5Config FromJson(string json, string source = "config.json")
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Read(new ConfigReader(document.RootElement, source)).Validated(source)
                : throw new InvalidDataException($"'{source}': expected a JSON object.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{source}' is no valid JSON: {e.Message}", e);
        }

        T5Config Read(ConfigReader reader)
        {
            Expect(reader.Text("model_type"), "t5", "model_type");
            Expect(reader.Text("feed_forward_proj", "relu"), "relu", "feed_forward_proj");
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
        ["feed_forward_proj"] = "relu",
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

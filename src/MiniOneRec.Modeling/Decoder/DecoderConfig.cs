using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling;

/// <summary>The architecture of a decoder, as a Hugging Face <c>config.json</c> describes it.</summary>
/// <remarks>One decoder serves three families: Qwen2 (biases on q, k, v), Qwen3 (norms on q and k), Llama (neither).</remarks>
public sealed record DecoderConfig
{
    /// <summary>Gets the family: <c>qwen2</c>, <c>qwen3</c> or <c>llama</c>.</summary>
    public string ModelType { get; init; } = "qwen2";

    /// <summary>Gets V, the number of tokens.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Gets D, the model width.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Gets the width inside the feed-forward block.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Gets the number of layers.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Gets H, the number of query heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Gets Hkv, the number of key/value heads; divides <see cref="HeadCount"/>.</summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>Gets Dh, the width of a head; 0 means <c>HiddenSize / HeadCount</c>.</summary>
    public int HeadWidth { get => field == 0 ? HiddenSize / Math.Max(1, HeadCount) : field; init; }

    /// <summary>Gets ε of the RMS norms.</summary>
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>Gets the base of the rotary frequencies.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>Gets the Llama-3 rule that stretches low rotary frequencies, or <see langword="null"/>.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Gets whether the rotary frequencies are rounded to bfloat16.</summary>
    /// <value>
    /// The default is <see langword="false"/>. PyTorch rounds them too when a whole model is cast to bfloat16 after loading; set this to reproduce
    /// figures of a model that was treated so. Not part of <c>config.json</c>.
    /// </value>
    public bool RopeInBFloat16 { get; init; }

    /// <summary>Gets whether the output head is the input embedding.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Gets whether q, k and v have biases.</summary>
    public bool AttentionBias { get; init; } = true;

    /// <summary>Gets whether q and k are normalised per head.</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>Gets the longest sequence that the model is meant for.</summary>
    public int MaxPositions { get; init; } = 32_768;

    /// <summary>Gets the standard deviation of freshly drawn weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Gets the standard small decoder of this library, trained from scratch.</summary>
    /// <param name="vocabularySize">V.</param>
    /// <param name="hiddenSize">D.</param>
    /// <param name="layers">The number of layers.</param>
    /// <param name="heads">H, also Hkv.</param>
    public static DecoderConfig Small(int vocabularySize, int hiddenSize = 128, int layers = 2, int heads = 4) => new()
    {
        VocabularySize = vocabularySize,
        HiddenSize = hiddenSize,
        IntermediateSize = 4 * hiddenSize * 2 / 3 / 8 * 8,
        LayerCount = layers,
        HeadCount = heads,
        KeyValueHeadCount = heads,
        MaxPositions = 2_048,
    };

    /// <summary>Gets the number of parameters outside the input embedding and the head.</summary>
    public long NonEmbeddingParameters
    {
        get
        {
            long attention = (long)HiddenSize * HeadWidth * (2 * HeadCount + 2 * KeyValueHeadCount)
                + (AttentionBias ? (long)HeadWidth * (HeadCount + 2 * KeyValueHeadCount) : 0)
                + (QueryKeyNorm ? 2L * HeadWidth : 0);
            return LayerCount * (attention + 3L * HiddenSize * IntermediateSize + 2L * HiddenSize) + HiddenSize;
        }
    }

    /// <summary>Checks the shape.</summary>
    /// <exception cref="InvalidDataException">A figure cannot be; the message names its key.</exception>
    public DecoderConfig Validated(string source = "config.json")
    {
        if (ModelType is not ("qwen2" or "qwen3" or "llama"))
        {
            throw new InvalidDataException($"'{source}': model_type is '{ModelType}'; expected qwen2, qwen3 or llama.");
        }

        foreach (var (key, value) in new (string, long)[]
        {
            ("vocab_size", VocabularySize), ("hidden_size", HiddenSize), ("intermediate_size", IntermediateSize), ("num_hidden_layers", LayerCount),
            ("num_attention_heads", HeadCount), ("num_key_value_heads", KeyValueHeadCount), ("head_dim", HeadWidth), ("max_position_embeddings", MaxPositions),
        })
        {
            if (value is < 1 or > 1 << 24)
            {
                throw new InvalidDataException($"'{source}': {key} is {value}; expected 1 to {1 << 24}.");
            }
        }

        if (HeadCount % KeyValueHeadCount != 0)
        {
            throw new InvalidDataException($"'{source}': num_attention_heads {HeadCount} is no multiple of num_key_value_heads {KeyValueHeadCount}.");
        }

        return HeadWidth % 2 == 0 ? this : throw new InvalidDataException($"'{source}': head_dim {HeadWidth} is odd; rotary positions need pairs.");
    }

    /// <summary>Reads a Hugging Face <c>config.json</c>.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">The file's name, for messages.</param>
    /// <exception cref="InvalidDataException">The text is no such configuration; the message names the key.</exception>
    public static DecoderConfig FromJson(string json, string source = "config.json")
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 32, AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Read(new ConfigReader(document.RootElement, source), source).Validated(source)
                : throw new InvalidDataException($"'{source}': expected a JSON object.");
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException($"'{source}': no valid JSON. {e.Message}", e);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{source}', line {e.LineNumber + 1}: no valid JSON. {e.Message}", e);
        }
    }

    private static DecoderConfig Read(ConfigReader reader, string source)
    {
        string type = reader.Text("model_type");
        int heads = reader.Integer("num_attention_heads");
        var rope = reader.Object("rope_parameters") ?? reader.Object("rope_scaling");
        return new DecoderConfig
        {
            ModelType = type,
            VocabularySize = reader.Integer("vocab_size"),
            HiddenSize = reader.Integer("hidden_size"),
            IntermediateSize = reader.Integer("intermediate_size"),
            LayerCount = reader.Integer("num_hidden_layers"),
            HeadCount = heads,
            KeyValueHeadCount = reader.Integer("num_key_value_heads", heads),
            HeadWidth = reader.Integer("head_dim", type == "qwen3" ? 128 : 0),
            NormEpsilon = reader.Number("rms_norm_eps", 1e-6),
            RopeTheta = reader.Number("rope_theta", rope?.Number("rope_theta", 10_000) ?? 10_000),
            RopeScaling = RopeScaling.From(rope, source),
            TieWordEmbeddings = reader.Flag("tie_word_embeddings", false),
            AttentionBias = reader.Flag("attention_bias", type == "qwen2"),
            QueryKeyNorm = type == "qwen3",
            MaxPositions = reader.Integer("max_position_embeddings", 32_768),
            InitializerRange = reader.Number("initializer_range", 0.02),
        };
    }

    /// <summary>Writes the configuration as Hugging Face reads it.</summary>
    /// <param name="dataType">The type of the weights, for example <c>float32</c> or <c>bfloat16</c>.</param>
    public JsonObject ToJson(string dataType = "float32")
    {
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray(ModelType switch { "qwen2" => "Qwen2ForCausalLM", "qwen3" => "Qwen3ForCausalLM", _ => "LlamaForCausalLM" }),
            ["attention_bias"] = AttentionBias,
            ["attention_dropout"] = 0.0,
            ["dtype"] = dataType,
            ["head_dim"] = HeadWidth,
            ["hidden_act"] = "silu",
            ["hidden_size"] = HiddenSize,
            ["initializer_range"] = InitializerRange,
            ["intermediate_size"] = IntermediateSize,
            ["max_position_embeddings"] = MaxPositions,
            ["model_type"] = ModelType,
            ["num_attention_heads"] = HeadCount,
            ["num_hidden_layers"] = LayerCount,
            ["num_key_value_heads"] = KeyValueHeadCount,
            ["rms_norm_eps"] = NormEpsilon,
            ["rope_theta"] = RopeTheta,
            ["tie_word_embeddings"] = TieWordEmbeddings,
            ["torch_dtype"] = dataType,
            ["use_cache"] = true,
            ["vocab_size"] = VocabularySize,
        };
        if (RopeScaling is not null)
        {
            json["rope_scaling"] = RopeScaling.ToJson();
        }

        return json;
    }
}

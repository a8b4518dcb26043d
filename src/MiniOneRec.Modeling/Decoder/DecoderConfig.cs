using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling;

/// <summary>The architecture of a decoder, as a Hugging Face <c>config.json</c> describes it.</summary>
/// <remarks>One decoder serves three families: Qwen2 (biases on q, k, v), Qwen3 (norms on q and k), Llama (neither).</remarks>
public sealed partial record DecoderConfig
{
    private readonly int _headWidth;

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
    public int HeadWidth { get => _headWidth == 0 ? HiddenSize / Math.Max(1, HeadCount) : _headWidth; init => _headWidth = value; }

    /// <summary>Gets ε of the RMS norms.</summary>
    public double NormEpsilon { get; init; } = 1e-6;

    /// <summary>Gets the base of the rotary frequencies.</summary>
    public double RopeTheta { get; init; } = 10_000;

    /// <summary>Gets the rule that stretches rotary frequencies, or <see langword="null"/>.</summary>
    public RopeScaling? RopeScaling { get; init; }

    /// <summary>Gets whether the rotary frequencies are rounded to bfloat16.</summary>
    /// <value>
    /// The default is <see langword="false"/>. PyTorch rounds them too when a whole model is cast to bfloat16 after loading; set this to
    /// reproduce figures of a model that was treated so. Not part of <c>config.json</c>.
    /// </value>
    public bool RopeInBFloat16 { get; init; }

    /// <summary>Gets whether the output head is the input embedding.</summary>
    public bool TieWordEmbeddings { get; init; } = true;

    /// <summary>Gets whether the model has an output head; checkpoints of embedding models are stored without one.</summary>
    /// <value>The default is <see langword="true"/>. Not part of <c>config.json</c>: the stored weights decide.</value>
    public bool HasHead { get; init; } = true;

    /// <summary>Gets the function of the feed-forward block's gate.</summary>
    public Activation HiddenActivation { get; init; } = Activation.Silu;

    /// <summary>Gets W: a token of a windowed layer sees itself and the W − 1 tokens before it.</summary>
    /// <value>The default is 0: every token sees all before it.</value>
    public int SlidingWindow { get; init; }

    /// <summary>Gets for each layer whether <see cref="SlidingWindow"/> applies to it.</summary>
    /// <value>The default is <see langword="null"/>: to all.</value>
    public IReadOnlyList<bool>? WindowedLayers { get; init; }

    /// <summary>Gets whether q, k and v have biases.</summary>
    public bool AttentionBias { get; init; } = true;

    /// <summary>Gets whether the output projection has a bias.</summary>
    /// <value>That of <see cref="AttentionBias"/>, except that Qwen2 has none. No key of <c>config.json</c>: the published families differ
    /// so.</value>
    public bool OutputBias => AttentionBias && ModelType != "qwen2";

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

    /// <summary>Gets the window of a layer; 0 means that it sees all.</summary>
    internal int WindowOf(int layer) => SlidingWindow > 0 && (WindowedLayers?[layer] ?? true) ? SlidingWindow : 0;

    /// <summary>Writes the configuration as Hugging Face reads it.</summary>
    /// <param name="dataType">The type of the weights, for example <c>float32</c> or <c>bfloat16</c>.</param>
    public JsonObject ToJson(string dataType = "float32")
    {
        var json = new JsonObject
        {
            ["architectures"] =
                new JsonArray(ModelType switch { "qwen2" => "Qwen2ForCausalLM", "qwen3" => "Qwen3ForCausalLM", _ => "LlamaForCausalLM" }),
            ["attention_bias"] = AttentionBias,
            ["attention_dropout"] = 0.0,
            ["dtype"] = dataType,
            ["head_dim"] = HeadWidth,
            ["hidden_act"] = Activations.NameOf(HiddenActivation),
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

        if (SlidingWindow > 0)
        {
            bool[] windowed = [.. Enumerable.Range(0, LayerCount).Select(layer => WindowOf(layer) > 0)];
            json["use_sliding_window"] = true;
            json["sliding_window"] = SlidingWindow;
            json["max_window_layers"] = Array.IndexOf(windowed, true) is var first && first >= 0 ? first : LayerCount;
            json["layer_types"] = new JsonArray([.. windowed.Select(window => (JsonNode)(window ? SlidingLayer : FullLayer))]);
        }

        return json;
    }
}

using TorchSharp;
using TorchSharp.Utils;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Embedding, layers and final norm: what published checkpoints call <c>model</c>.</summary>
internal sealed class DecoderStack : nn.Module
{
    [ComponentName(Name = "embed_tokens")]
    private readonly TokenEmbedding _embedding;

    [ComponentName(Name = "layers")]
    private readonly ModuleList<DecoderLayer> _layers;

    [ComponentName(Name = "norm")]
    private readonly RmsNorm _norm;

    public DecoderStack(DecoderConfig config, WeightPacking packing, AttentionChoice attention)
        : base(nameof(DecoderStack))
    {
        _embedding = new TokenEmbedding(config);
        _layers = new ModuleList<DecoderLayer>(
            [.. Enumerable.Range(0, config.LayerCount).Select(layer => new DecoderLayer(config, layer, packing, attention))]);
        _norm = new RmsNorm(config.HiddenSize, config.NormEpsilon);
        RegisterComponents();
    }

    public Parameter Embedding => _embedding.Weight;

    public ModuleList<DecoderLayer> Layers => _layers;

    public Tensor Embed(Tensor tokens) => _embedding.forward(tokens);

    public Tensor Norm(Tensor x) => _norm.forward(x);
}

/// <summary>One row per token.</summary>
internal sealed class TokenEmbedding : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;

    public TokenEmbedding(DecoderConfig config)
        : base(nameof(TokenEmbedding))
    {
        _weight = Weights.Normal(config.InitializerRange, config.VocabularySize, config.HiddenSize);
        RegisterComponents();
    }

    public Parameter Weight => _weight;

    public override Tensor forward(Tensor tokens) => EmbeddingLookup.Run(_weight, tokens);
}

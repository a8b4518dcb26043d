using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Attention and feed-forward block, each behind a norm and added to its input.</summary>
internal sealed class DecoderLayer : nn.Module
{
    [ComponentName(Name = "self_attn")]
    private readonly DecoderAttention _attention;

    [ComponentName(Name = "mlp")]
    private readonly SwiGluMlp _mlp;

    [ComponentName(Name = "input_layernorm")]
    private readonly RmsNorm _inputNorm;

    [ComponentName(Name = "post_attention_layernorm")]
    private readonly RmsNorm _postNorm;

    public DecoderLayer(DecoderConfig config)
        : base(nameof(DecoderLayer))
    {
        _attention = new DecoderAttention(config);
        _mlp = new SwiGluMlp(config);
        _inputNorm = new RmsNorm(config.HiddenSize, config.NormEpsilon);
        _postNorm = new RmsNorm(config.HiddenSize, config.NormEpsilon);
        RegisterComponents();
    }

    public Tensor Forward(Tensor x, TokenBatch batch, Tensor cos, Tensor sin, PromptCache? cache, double dropout)
    {
        using var scope = NewDisposeScope();
        var h = x + Drop(_attention.Forward(_inputNorm.forward(x), batch, cos, sin, cache), dropout);   // [N, D]
        return (h + Drop(_mlp.forward(_postNorm.forward(h)), dropout)).MoveToOuterDisposeScope();       // [N, D]
    }

    public Tensor Extend(Tensor x, PromptCache.Layer layer, ExtensionPlan plan)
    {
        using var scope = NewDisposeScope();
        var h = x + _attention.Extend(_inputNorm.forward(x), layer, plan);                              // [R, D]
        return (h + _mlp.forward(_postNorm.forward(h))).MoveToOuterDisposeScope();                      // [R, D]
    }

    private Tensor Drop(Tensor x, double rate) => rate > 0 && training ? Dropout.Apply(x, rate) : x;
}

using MiniOneRec.Tensors;
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

    public DecoderLayer(DecoderConfig config, int layer, WeightPacking packing, AttentionChoice attention)
        : base(nameof(DecoderLayer))
    {
        _attention = new DecoderAttention(config, layer, packing, attention);
        _mlp = new SwiGluMlp(config, packing);
        _inputNorm = new RmsNorm(config.HiddenSize, config.NormEpsilon);
        _postNorm = new RmsNorm(config.HiddenSize, config.NormEpsilon);
        RegisterComponents();
    }

    public Tensor Forward(Tensor x, TokenBatch batch, Tensor cos, Tensor sin, PromptCache? cache, double dropout)
    {
        using var scope = NewDisposeScope();
        var y = _attention.Forward(_inputNorm.forward(x), batch, cos, sin, cache);                      // [N, H·Dh]
        if (dropout > 0 && training)
        {
            var h = x.Plus(Dropout.Apply(_attention.Output(y), dropout));                                   // [N, D]
            return h.Plus(Dropout.Apply(_mlp.forward(_postNorm.forward(h)), dropout)).MoveToOuterDisposeScope();
        }

        return Finish(x, y).MoveToOuterDisposeScope();                                                  // [N, D]
    }

    /// <summary>Runs prompts of which only the last tokens are wanted.</summary>
    /// <returns><c>[B, D]</c>.</returns>
    public Tensor ForwardLast(Tensor x, TokenBatch batch, Tensor cos, Tensor sin, PromptCache cache, Tensor last)
    {
        using var scope = NewDisposeScope();
        var y = _attention.ForwardLast(_inputNorm.forward(x), batch, cos, sin, cache, last);            // [B, H·Dh]
        return Finish(x.index_select(0, last), y).MoveToOuterDisposeScope();                            // [B, D]
    }

    public Tensor Extend(Tensor x, PromptCache.Layer layer, ExtensionPlan plan)
    {
        using var scope = NewDisposeScope();
        return Finish(x, _attention.Extend(_inputNorm.forward(x), layer, plan)).MoveToOuterDisposeScope();      // [R, D]
    }

    private Tensor Finish(Tensor x, Tensor attended)
    {
        using var scope = NewDisposeScope();
        var h = _attention.AddTo(x, attended);                                                          // [N, D]
        return _mlp.AddTo(h, _postNorm.forward(h)).MoveToOuterDisposeScope();                           // [N, D]
    }
}

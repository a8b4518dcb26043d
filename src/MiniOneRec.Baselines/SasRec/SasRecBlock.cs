using MiniOneRec.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines;

/// <summary>Causal self-attention and a point-wise feed-forward network, each behind a layer norm and beside a residual.</summary>
internal sealed class SasRecBlock : nn.Module<Tensor, Tensor>
{
    private readonly int _heads;
    private readonly double _dropout;

    [ComponentName(Name = "attention_norm")]
    private readonly LayerNorm _attentionNorm;

    [ComponentName(Name = "qkv")]
    private readonly Linear _qkv;

    [ComponentName(Name = "out")]
    private readonly Linear _out;

    [ComponentName(Name = "feed_forward_norm")]
    private readonly LayerNorm _feedForwardNorm;

    [ComponentName(Name = "up")]
    private readonly Linear _up;

    [ComponentName(Name = "down")]
    private readonly Linear _down;

    public SasRecBlock(SasRecOptions options)
        : base(nameof(SasRecBlock))
    {
        int width = options.HiddenSize;
        (_heads, _dropout) = (options.Heads, options.Dropout);
        _attentionNorm = nn.LayerNorm(width);
        _qkv = nn.Linear(width, 3 * width);
        _out = nn.Linear(width, width);
        _feedForwardNorm = nn.LayerNorm(width);
        _up = nn.Linear(width, 4 * width);
        _down = nn.Linear(4 * width, width);
        RegisterComponents();
    }

    /// <param name="x">States, <c>[B, T, D]</c>.</param>
    /// <returns>States, <c>[B, T, D]</c>.</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        (long batch, long time, long width) = (x.size(0), x.size(1), x.size(2));

        // [3, B, H, T, Dh]
        var qkv = _qkv.forward(_attentionNorm.forward(x)).view(batch, time, 3, _heads, width / _heads).permute(2, 0, 3, 1, 4);
        var y = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], is_casual: true);    // [B, H, T, Dh]; (sic)
        y = y.transpose(1, 2).reshape(batch, time, width);                                  // [B, T, D]
        x = x.Plus(F.dropout(_out.forward(y), _dropout, training));

        y = F.relu(_up.forward(_feedForwardNorm.forward(x)));                               // [B, T, 4D]
        y = _down.forward(F.dropout(y, _dropout, training));                                // [B, T, D]
        return x.Plus(F.dropout(y, _dropout, training)).MoveToOuterDisposeScope();
    }
}

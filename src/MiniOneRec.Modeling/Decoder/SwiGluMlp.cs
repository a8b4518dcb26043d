using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>The gated feed-forward block: <c>W_down (silu(W_gate x) ⊙ W_up x)</c>.</summary>
/// <remarks>Shazeer (arXiv:2002.05202), Eq. 6.</remarks>
internal sealed class SwiGluMlp : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "gate_proj")]
    private readonly Projection _gate;

    [ComponentName(Name = "up_proj")]
    private readonly Projection _up;

    [ComponentName(Name = "down_proj")]
    private readonly Projection _down;

    public SwiGluMlp(DecoderConfig config)
        : base(nameof(SwiGluMlp))
    {
        double deviation = config.InitializerRange;
        _gate = new Projection(config.HiddenSize, config.IntermediateSize, false, deviation);
        _up = new Projection(config.HiddenSize, config.IntermediateSize, false, deviation);
        _down = new Projection(config.IntermediateSize, config.HiddenSize, false, deviation);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var gate = F.silu(_gate.forward(x));                                    // [N, F]
        return _down.forward(gate * _up.forward(x)).MoveToOuterDisposeScope();  // [N, D]
    }
}

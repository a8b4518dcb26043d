using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>The gated feed-forward block: <c>W_down (f(W_gate x) ⊙ W_up x)</c>, where f is silu or what the configuration names.</summary>
/// <remarks>Shazeer (arXiv:2002.05202), Eq. 6.</remarks>
internal sealed class SwiGluMlp : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "gate_proj")]
    private readonly Projection _gate;

    [ComponentName(Name = "up_proj")]
    private readonly Projection _up;

    [ComponentName(Name = "down_proj")]
    private readonly Projection _down;

    private readonly long _inner;
    private readonly Activation _activation;
    private readonly PackedWeight _packedGate;
    private readonly PackedWeight _packedUp;
    private readonly PackedWeight _packedDown;

    public SwiGluMlp(DecoderConfig config, WeightPacking packing)
        : base(nameof(SwiGluMlp))
    {
        (_inner, _activation) = (config.IntermediateSize, config.HiddenActivation);
        double deviation = config.InitializerRange;
        _gate = new Projection(config.HiddenSize, config.IntermediateSize, false, deviation);
        _up = new Projection(config.HiddenSize, config.IntermediateSize, false, deviation);
        _down = new Projection(config.IntermediateSize, config.HiddenSize, false, deviation);
        RegisterComponents();
        (_packedGate, _packedUp, _packedDown) =
            (_gate.Packed(packing), _up.Packed(packing),
                packing.Of(() => [(_down.Weight, null)], takesPadded: true, free: _down.FreeWeight));
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        if (Gated(x) is { } packed)
        {
            return (_packedDown.BlocksFor(packed) is [var down] ? down.Linear(packed) : _down.forward(packed.narrow(1, 0, _inner)))
                .MoveToOuterDisposeScope();
        }

        var gate = Activations.Apply(_activation, _gate.forward(x));            // [N, F]
        return _down.forward(gate * _up.forward(x)).MoveToOuterDisposeScope();  // [N, D]
    }

    /// <summary>Adds what the block makes of <paramref name="x"/> to a residual, within the last product where that is packed.</summary>
    /// <param name="residual"><c>[N, D]</c>.</param>
    /// <param name="x"><c>[N, D]</c>.</param>
    public Tensor AddTo(Tensor residual, Tensor x)
    {
        using var scope = NewDisposeScope();
        if (DeviceInference.Serves(x)
            && _down.AddInPlace(residual, Activations.Apply(_activation, _gate.forward(x)).mul_(_up.forward(x))) is { } sum)
        {
            return sum.MoveToOuterDisposeScope();
        }

        if (Gated(x) is not { } packed)
        {
            return residual.Plus(forward(x)).MoveToOuterDisposeScope();
        }

        return (_packedDown.BlocksFor(packed) is [var down] ? down.Plus(packed, residual)
            : residual.Plus(_down.forward(packed.narrow(1, 0, _inner))))
            .MoveToOuterDisposeScope();
    }

    // silu and ⊙ within the products, where no adapter changes them: [N, F], F padded.
    private Tensor? Gated(Tensor x) =>
        _activation == Activation.Silu && _gate.Adapter is null && _up.Adapter is null && _down.Adapter is null
            && _packedGate.BlocksFor(x) is [var gate] && _packedUp.BlocksFor(x) is [var up]
            ? up.PaddedTimes(x, gate.PaddedSilu(x))
            : null;
}

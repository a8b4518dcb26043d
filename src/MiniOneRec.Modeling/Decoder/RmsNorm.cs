using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Utils;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Divides by the root mean square and scales; computed in float32.</summary>
/// <remarks>Zhang and Sennrich (arXiv:1910.07467), Eq. 4.</remarks>
internal sealed class RmsNorm : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;

    private readonly double _epsilon;

    public RmsNorm(long width, double epsilon)
        : base(nameof(RmsNorm))
    {
        _epsilon = epsilon;
        _weight = Weights.Filled(1, width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        if (CpuRows.RmsNorm(x, _weight, _epsilon) is { } y)
        {
            return y;
        }

        if (DeviceInference.Serves(x))
        {
            return Aten.RmsNorm(x, _weight, _epsilon);
        }

        using var scope = NewDisposeScope();
        var wide = x.to_type(ScalarType.Float32);
        var inverse = wide.pow(Scalars.Of(2)).mean([-1], keepdim: true).PlusInPlace(Scalars.Of(_epsilon)).rsqrt_();
        return (wide * inverse).to_type(x.dtype).mul(_weight).MoveToOuterDisposeScope();
    }
}

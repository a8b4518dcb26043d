using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>Sets features to zero at random and scales the others up.</summary>
/// <remarks>Srivastava et al. (2014), section 4. On the CPU the mask is made of uniform numbers, which are drawn three times as fast as
/// truth values.</remarks>
internal static class Dropout
{
    /// <param name="x">Any shape.</param>
    /// <param name="rate">The probability of zero, 0 to below 1.</param>
    public static Tensor Apply(Tensor x, double rate)
    {
        if (x.device_type != DeviceType.CPU)
        {
            return F.dropout(x, rate, training: true);
        }

        using var scope = NewDisposeScope();
        using (no_grad())
        {
            var mask = rand(x.shape, dtype: ScalarType.Float32).ge_(Scalars.Of(rate)).mul_(Scalars.Of(1 / (1 - rate))).to_type(x.dtype);
            using var grad = enable_grad();
            return x.mul(mask).MoveToOuterDisposeScope();
        }
    }
}

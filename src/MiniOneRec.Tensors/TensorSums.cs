using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>Sums that hold their numbers: TorchSharp's own make the factor 1 inside and forget it (see <see cref="Scalars"/>).</summary>
internal static class TensorSums
{
    /// <summary>Computes <c>a + b</c>.</summary>
    public static Tensor Plus(this Tensor a, Tensor b) => a.add(b, Scalars.Of(1));

    /// <summary>Computes <c>a + b</c> with a number.</summary>
    public static Tensor Plus(this Tensor a, Scalar b) => a.add(b, Scalars.Of(1));

    /// <summary>Adds <paramref name="b"/> to <paramref name="a"/> in place.</summary>
    public static Tensor PlusInPlace(this Tensor a, Tensor b) => a.add_(b, Scalars.Of(1));

    /// <summary>Adds a number in place.</summary>
    public static Tensor PlusInPlace(this Tensor a, Scalar b) => a.add_(b, Scalars.Of(1));
}

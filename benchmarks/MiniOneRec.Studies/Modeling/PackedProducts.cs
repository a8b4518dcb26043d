using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Studies;

/// <summary>The speed of products with a packed weight, which is what the model runs.</summary>
internal static class PackedProducts
{
    /// <summary>Measures the speed of a product <c>[M, K] x [K, N]</c>, in floating-point operations per second.</summary>
    public static double Flops(long rows, long input, long output, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var x = randn(rows, input).to_type(type);
        var projection = new Projection(input, output, false, 0.02);
        projection.to(type);
        var packing = new WeightPacking { Enabled = true };
        var weight = projection.Packed(packing);
        var timing = Timing.Measure(
            () =>
            {
                using var y = weight.BlocksFor(x) is [var block] ? block.Linear(x) : projection.forward(x);
            },
            repeats: 9);
        packing.Drop();
        return 2.0 * rows * input * output / timing.Median.TotalSeconds;
    }
}

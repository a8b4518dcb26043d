using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Entropic transport of rows to codes with equal shares, by alternate scaling.</summary>
/// <remarks>
/// Cuturi (arXiv:1306.0895) as the MiniOneRec reference runs it: distances centred to [−1, 1] over the whole matrix, rows scaled to
/// 1/B, then columns to 1/K, the columns last. Computed in float64: exp(1/ε) passes what float32 holds.
/// </remarks>
internal static class SinkhornKnopp
{
    /// <summary>Computes the plan, each row summing to about 1.</summary>
    /// <param name="distances">Squared distances, <c>[B, K]</c>.</param>
    /// <param name="epsilon">The weight of the entropy, above 0; smaller is sharper.</param>
    /// <param name="iterations">The number of row and column scalings.</param>
    /// <returns>The plan, <c>[B, K]</c> float64.</returns>
    public static Tensor Plan(Tensor distances, double epsilon, int iterations)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        long batch = distances.size(0), codes = distances.size(1);
        var d = distances.to_type(ScalarType.Float64);
        double max = d.max().item<double>(), min = d.min().item<double>();
        double middle = (max + min) / 2, amplitude = max - middle + 1e-5;
        var q = d.sub(Scalars.Of(middle)).div_(Scalars.Of(-amplitude * epsilon)).exp_();    // [B, K]
        q.div_(q.sum());
        for (int i = 0; i < iterations; i++)
        {
            using var step = NewDisposeScope();
            q.div_(q.sum(1, keepdim: true).mul_(Scalars.Of(batch)));
            q.div_(q.sum(0, keepdim: true).mul_(Scalars.Of(codes)));
        }

        return q.mul_(Scalars.Of(batch)).MoveToOuterDisposeScope();
    }
}

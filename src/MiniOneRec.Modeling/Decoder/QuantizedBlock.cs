using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Weights of few bits whose products are summed over codes and scaled back afterwards.</summary>
/// <param name="rows">How many outputs there are without padding.</param>
internal abstract class QuantizedBlock(long rows) : WeightBlock(rows)
{
    public override void Dispose()
    {
        foreach (var tensor in All())
        {
            tensor.Dispose();
        }
    }

    public override void Detach()
    {
        foreach (var tensor in All())
        {
            tensor.DetachFromDisposeScope();
        }
    }

    internal override Tensor Product(Tensor x, LinearFunction function) =>
        Run(x, null, function == LinearFunction.Silu ? QuantizedRows.After.Silu : QuantizedRows.After.Nothing);

    /// <summary>Lists what the block keeps.</summary>
    protected abstract IEnumerable<Tensor> All();

    /// <summary>Computes the product, and what follows it.</summary>
    /// <param name="x"><c>[N, in]</c>.</param>
    /// <param name="other"><c>[N, out]</c>, or <see langword="null"/>.</param>
    /// <param name="after">What follows.</param>
    /// <returns><c>[N, out]</c>, padded.</returns>
    protected abstract Tensor Run(Tensor x, Tensor? other, QuantizedRows.After after);

    /// <summary>Scales sums back and does what follows.</summary>
    /// <param name="x">The inputs, <c>[N, in]</c>.</param>
    /// <param name="sums">Sums over codes, <c>[at least N, out]</c>, float32; owned.</param>
    /// <param name="scales">By row of codes.</param>
    /// <param name="twice">The rows that were written as two.</param>
    /// <param name="bias"><c>[out]</c>, or <see langword="null"/>.</param>
    /// <param name="other"><c>[N, out]</c>, or <see langword="null"/>.</param>
    /// <param name="after">What follows.</param>
    /// <returns><c>[N, out]</c> in the type of <paramref name="x"/>.</returns>
    protected static Tensor Finish(
        Tensor x, Tensor sums, float[] scales, int[] twice, Tensor? bias, Tensor? other, QuantizedRows.After after)
    {
        long rows = x.size(0);
        using var joined = other is null ? null : other.is_contiguous() ? other.alias() : other.contiguous();
        if (x.dtype == ScalarType.Float32)
        {
            QuantizedRows.Finish(sums, sums, scales, twice, bias, joined, after);
            if (sums.size(0) == rows)
            {
                return sums;
            }

            using (sums)
            {
                return sums.narrow(0, 0, rows);
            }
        }

        using (sums)
        {
            var y = RowBuckets.Empty(rows, sums.size(1), x.dtype);
            QuantizedRows.Finish(sums, y, scales, twice, bias, joined, after);
            return y;
        }
    }

    private protected override Tensor Product(Tensor x, Tensor other, LinearOperation operation) =>
        Run(x, other, operation == LinearOperation.Add ? QuantizedRows.After.Plus : QuantizedRows.After.Times);
}

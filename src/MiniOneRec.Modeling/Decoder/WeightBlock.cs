using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Rows of packed weights, padded by rows of zeros.</summary>
/// <param name="rows">How many there are without padding.</param>
internal abstract class WeightBlock(long rows) : IDisposable
{
    /// <summary>Rows are packed in this multiple: oneDNN 3.7 mistakes its own layout of float32 weights with other numbers of rows above
    /// 32.</summary>
    private const long RowMultiple = 64;

    /// <summary>Gets a width as packed products have it.</summary>
    public static long Padded(long width) => (width + RowMultiple - 1) / RowMultiple * RowMultiple;

    /// <summary>Computes <c>x Wᵀ + b</c>, <c>[N, rows]</c>.</summary>
    public Tensor Linear(Tensor x)
    {
        var y = Product(x, LinearFunction.None);
        return Padded(rows) == rows ? y : y.narrow(1, 0, rows);
    }

    /// <summary>Computes <c>silu(x Wᵀ + b)</c>, padded.</summary>
    public Tensor PaddedSilu(Tensor x) => Product(x, LinearFunction.Silu);

    /// <summary>Computes <c>other ⊙ (x Wᵀ + b)</c>, padded.</summary>
    public Tensor PaddedTimes(Tensor x, Tensor other) => Product(x, other, LinearOperation.Multiply);

    /// <summary>Computes <c>other + (x Wᵀ + b)</c>.</summary>
    public Tensor Plus(Tensor x, Tensor other) =>
        Padded(rows) == rows ? Product(x, other, LinearOperation.Add) : Linear(x).Plus(other);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Lets the block live after the dispose scope in which it was made.</summary>
    public abstract void Detach();

    /// <summary>Computes <c>f(x Wᵀ + b)</c>, padded.</summary>
    internal abstract Tensor Product(Tensor x, LinearFunction function);

    /// <summary>Computes <c>(x Wᵀ + b) ∘ other</c>, padded.</summary>
    private protected abstract Tensor Product(Tensor x, Tensor other, LinearOperation operation);
}

/// <summary>Packed weights in the type of the computation.</summary>
/// <param name="weight">The packed rows.</param>
/// <param name="bias">Their biases, or <see langword="null"/>.</param>
/// <param name="rows">How many there are without padding.</param>
internal sealed class ExactBlock(Tensor weight, Tensor? bias, long rows) : WeightBlock(rows)
{
    public override void Dispose()
    {
        weight.Dispose();
        bias?.Dispose();
    }

    public override void Detach()
    {
        weight.DetachFromDisposeScope();
        bias?.DetachFromDisposeScope();
    }

    internal override Tensor Product(Tensor x, LinearFunction function) => CpuLinear.Product(x, weight, bias, function);

    private protected override Tensor Product(Tensor x, Tensor other, LinearOperation operation) =>
        CpuLinear.Product(x, other, weight, bias, operation);
}

using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Utils;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>A linear map <c>y = x Wᵀ + b</c> to which an adapter can be attached.</summary>
public sealed class Projection : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;

    [ComponentName(Name = "bias")]
    private Parameter? _bias;

    private bool _isFreed;

    /// <summary>Makes a map with weights from N(0, σ²) and zero bias.</summary>
    /// <param name="inputWidth">The width of x.</param>
    /// <param name="outputWidth">The width of y.</param>
    /// <param name="hasBias">Whether b exists.</param>
    /// <param name="deviation">σ.</param>
    public Projection(long inputWidth, long outputWidth, bool hasBias, double deviation)
        : base(nameof(Projection))
    {
        _weight = Weights.Normal(deviation, outputWidth, inputWidth);
        _bias = hasBias ? Weights.Filled(0, outputWidth) : null;
        RegisterComponents();
    }

    /// <summary>Gets W, <c>[out, in]</c>.</summary>
    public Parameter Weight => _weight;

    /// <summary>Gets b, <c>[out]</c>, or <see langword="null"/>.</summary>
    public Parameter? Bias => _bias;

    /// <summary>Gets or sets what is added to y, or <see langword="null"/>; not part of the state.</summary>
    public ProjectionAdapter? Adapter { get; set; }

    /// <summary>Makes a packed copy of the weight, which knows nothing of adapters.</summary>
    internal PackedWeight Packed(WeightPacking packing) => packing.Of(() => [(_weight, _bias)], free: FreeWeight);

    /// <summary>Frees W, whose place a packed copy takes.</summary>
    internal void FreeWeight()
    {
        using var noGrad = no_grad();
        MappedFile.PageOut(_weight);
        using var nothing = empty(0, dtype: _weight.dtype);
        _weight.set_(nothing);
        _isFreed = true;
    }

    /// <summary>Adds <c>x Wᵀ</c> to a sum in place, within the product; no gradient.</summary>
    /// <param name="sum"><c>[N, out]</c>, of no further use to the caller.</param>
    /// <param name="x"><c>[N, in]</c>.</param>
    /// <returns>The sum, or <see langword="null"/> where the map has more than a weight.</returns>
    internal Tensor? AddInPlace(Tensor sum, Tensor x)
    {
        if (_bias is not null || Adapter is not null || _isFreed || sum.dtype != x.dtype || _weight.dtype != x.dtype)
        {
            return null;
        }

        using var transposed = _weight.t();
        return sum.addmm_(x, transposed, 1, 1);
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">W exists in packed form alone.</exception>
    public override Tensor forward(Tensor x)
    {
        if (_isFreed)
        {
            throw new InvalidOperationException(
                "The weights of this model exist in a smaller form alone, which serves inference without adapters; load the model again.");
        }

        var y = CpuLinear.Run(x, _weight, _bias);
        if (Adapter is null)
        {
            return y;
        }

        using var scope = NewDisposeScope();
        return y.Plus(Adapter.Update(x)).MoveToOuterDisposeScope();
    }
}

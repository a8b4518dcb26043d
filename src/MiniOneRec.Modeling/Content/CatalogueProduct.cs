using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>Products with the vectors of a catalogue in both directions, without gradient: towards items, and back to the width of a
/// vector.</summary>
/// <remarks>
/// Training multiplies by the same constant vectors in every step. On the CPU they are copied once into the layout in which oneDNN
/// multiplies, for each direction, where a plain product would copy them at every call. In bfloat16 both factors and the product are
/// rounded, and sums are float32 inside, as in the products of a model that is trained in bfloat16.
/// </remarks>
/// <param name="vectors"><c>[N, E]</c> float32, contiguous.</param>
/// <param name="type">The type of the products, float32 or bfloat16.</param>
internal sealed class CatalogueProduct(Tensor vectors, ScalarType type) : IDisposable
{
    private Tensor? _typed;                                     // [N, E], where they are not float32
    private Tensor? _towardsItems;                              // [N, E], packed
    private Tensor? _back;                                      // [E, N], packed
    private Tensor? _sum;                                       // [1, E]

    /// <summary>Gets whether the vectors are disposed with the products.</summary>
    public bool OwnsVectors { get; init; }

    /// <summary>Gets the sum of all vectors, <c>[1, E]</c>.</summary>
    public Tensor Sum => _sum ??= vectors.sum([0], keepdim: true).DetachFromDisposeScope();

    /// <summary>Gets the type of the products.</summary>
    public ScalarType Type => type;

    private Tensor Vectors => type == ScalarType.Float32 ? vectors : _typed ??= vectors.to_type(type).DetachFromDisposeScope();

    /// <summary>Computes the logits of all items.</summary>
    /// <param name="rows"><c>[R, E]</c> float32.</param>
    /// <param name="bias"><c>[N]</c> float32.</param>
    /// <returns><c>[R, N]</c> float32.</returns>
    public Tensor TowardsItems(Tensor rows, Tensor bias)
    {
        using var scope = NewDisposeScope();
        bool whole = type == ScalarType.Float32;
        var x = rows.to_type(type);
        var own = whole ? bias : null;
        var logits = Packs(x)
            ? CpuLinear.Product(x, _towardsItems ??= Aten.PackLinear(Vectors).DetachFromDisposeScope(), own)
            : F.linear(x, Vectors, own);
        return (whole ? logits : logits.to_type(ScalarType.Float32).PlusInPlace(bias)).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the sums of all vectors, each weighted by a row's own numbers.</summary>
    /// <param name="weights"><c>[R, N]</c> float32.</param>
    /// <returns><c>[R, E]</c> float32.</returns>
    public Tensor Back(Tensor weights)
    {
        using var scope = NewDisposeScope();
        var x = weights.to_type(type);
        if (Packs(x) && _back is null)
        {
            _back = Aten.PackLinear(Vectors.t().contiguous()).DetachFromDisposeScope();                             // [E, N]
        }

        var sums = Packs(x) ? CpuLinear.Product(x, _back!, null) : x.mm(Vectors);
        return sums.to_type(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _typed?.Dispose();
        _towardsItems?.Dispose();
        _back?.Dispose();
        _sum?.Dispose();
        if (OwnsVectors)
        {
            vectors.Dispose();
        }
    }

    private static bool Packs(Tensor rows) => CpuLinear.Packs(rows.dtype) && CpuLinear.Serves(rows);
}

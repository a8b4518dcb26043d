using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>Products with the vectors of a catalogue in both directions, without gradient: towards items, and back to the width of a
/// vector.</summary>
/// <remarks>
/// Training multiplies by the same constant vectors in every step. On the CPU they are copied once into the layout in which oneDNN
/// multiplies, for each direction, where a plain product would copy them at every call.
/// </remarks>
/// <param name="vectors"><c>[N, E]</c>, contiguous; not owned.</param>
internal sealed class CatalogueProduct(Tensor vectors) : IDisposable
{
    private Tensor? _towardsItems;                              // [N, E], packed
    private Tensor? _back;                                      // [E, N], packed
    private Tensor? _sum;                                       // [1, E]

    /// <summary>Gets the sum of all vectors, <c>[1, E]</c>.</summary>
    public Tensor Sum => _sum ??= vectors.sum([0], keepdim: true).DetachFromDisposeScope();

    /// <summary>Computes the logits of all items.</summary>
    /// <param name="rows"><c>[R, E]</c>.</param>
    /// <param name="bias"><c>[N]</c>.</param>
    /// <returns><c>[R, N]</c>.</returns>
    public Tensor TowardsItems(Tensor rows, Tensor bias) => Packs(rows)
        ? CpuLinear.Product(rows, _towardsItems ??= Aten.PackLinear(vectors).DetachFromDisposeScope(), bias)
        : F.linear(rows, vectors, bias);

    /// <summary>Computes the sums of all vectors, each weighted by a row's own numbers.</summary>
    /// <param name="weights"><c>[R, N]</c>.</param>
    /// <returns><c>[R, E]</c>.</returns>
    public Tensor Back(Tensor weights)
    {
        if (!Packs(weights))
        {
            return weights.mm(vectors);
        }

        if (_back is null)
        {
            using var columns = vectors.t();
            using var plain = columns.contiguous();                                                                 // [E, N]
            _back = Aten.PackLinear(plain).DetachFromDisposeScope();
        }

        return CpuLinear.Product(weights, _back, null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _towardsItems?.Dispose();
        _back?.Dispose();
        _sum?.Dispose();
    }

    private static bool Packs(Tensor rows) => rows.dtype == ScalarType.Float32 && CpuLinear.Serves(rows);
}

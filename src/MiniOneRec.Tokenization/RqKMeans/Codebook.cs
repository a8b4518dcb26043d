using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>The codes of one level, and the price of each where their numbers of items are balanced.</summary>
internal sealed class Codebook : IDisposable
{
    /// <param name="centres">The codes, <c>[K, D]</c>; the codebook owns the tensor.</param>
    /// <param name="prices">The prices, <c>[K]</c> float64, or <see langword="null"/>; the codebook owns the tensor.</param>
    public Codebook(Tensor centres, Tensor? prices) =>
        (Centres, Prices) = (centres.DetachFromDisposeScope(), prices?.DetachFromDisposeScope());

    /// <summary>Gets the codes, <c>[K, D]</c>.</summary>
    public Tensor Centres { get; }

    /// <summary>Gets the prices, <c>[K]</c> float64, or <see langword="null"/>.</summary>
    public Tensor? Prices { get; }

    /// <summary>Finds each vector's code: least squared distance, plus price where there are prices (then in float64).</summary>
    /// <param name="x">Vectors, <c>[n, D]</c>.</param>
    /// <returns>Codes, <c>[n]</c> int64.</returns>
    public Tensor Assign(Tensor x)
    {
        using var scope = NewDisposeScope();
        if (Prices is null)
        {
            return KMeans.Nearest(x, Centres).Labels.MoveToOuterDisposeScope();
        }

        const long Piece = 8192;
        var centres = Centres.to_type(ScalarType.Float64);
        var turned = centres.t();                                                           // [D, K]
        var fixedPart = centres.pow(Scalars.Of(2)).sum(1).Plus(Prices);                         // [K]
        var parts = new List<Tensor>();
        for (long at = 0; at < x.size(0); at += Piece)
        {
            using var step = NewDisposeScope();
            var part = x.narrow(0, at, Math.Min(Piece, x.size(0) - at)).to_type(ScalarType.Float64);
            parts.Add(addmm(fixedPart, part, turned, 1, -2).argmin(1).MoveToOuterDisposeScope());
        }

        return cat(parts).MoveToOuterDisposeScope();
    }

    /// <summary>Computes squared distances to all codes, plus prices where there are any.</summary>
    /// <returns>Distances, <c>[n, K]</c>.</returns>
    public Tensor Distances(Tensor x)
    {
        using var scope = NewDisposeScope();
        var distances = addmm(Centres.pow(Scalars.Of(2)).sum(1), x, Centres.t(), 1, -2).Plus(x.pow(Scalars.Of(2)).sum(1, keepdim: true));
        return (Prices is null ? distances : distances.Plus(Prices.to_type(distances.dtype))).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Centres.Dispose();
        Prices?.Dispose();
    }
}

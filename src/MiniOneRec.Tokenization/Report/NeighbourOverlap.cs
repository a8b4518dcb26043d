using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>How much of each vector's neighbourhood survives when vectors are replaced by others.</summary>
internal static class NeighbourOverlap
{
    private const int Piece = 1024;

    /// <summary>Finds the nearest rows of some rows by cosine, the row itself left out.</summary>
    /// <param name="vectors">The vectors, <c>[N, E]</c>; a zero vector has cosine 0 to all.</param>
    /// <param name="neighbours">How many, fewer than N.</param>
    /// <param name="queries">The rows whose neighbours are asked for.</param>
    /// <param name="cancellationToken">Looked at between pieces of 1,024 rows.</param>
    /// <returns>Rows, nearest first, <c>[queries, neighbours]</c> flat.</returns>
    public static long[] Nearest(EmbeddingTable vectors, int neighbours, ReadOnlySpan<int> queries,
        CancellationToken cancellationToken = default)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var x = vectors.ToTensor();
        x = x / x.pow(Scalars.Of(2)).sum(1, keepdim: true).sqrt().clamp_min(Scalars.Of(1e-12));   // [N, E]
        var turned = x.t();
        long[] nearest = new long[checked(queries.Length * neighbours)];
        for (int at = 0; at < queries.Length; at += Piece)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            long[] rows = [.. queries.Slice(at, Math.Min(Piece, queries.Length - at)).ToArray().Select(row => (long)row)];
            var own = tensor(rows);                                                         // [n]
            var cosines = x.index_select(0, own).mm(turned);                                // [n, N]
            cosines.scatter_(1, own.unsqueeze(1), full_like(own, Scalars.Of(double.NegativeInfinity), dtype: cosines.dtype).unsqueeze(1));
            var (_, found) = cosines.topk(neighbours);
            found.data<long>().ToArray().CopyTo(nearest, at * neighbours);
        }

        return nearest;
    }

    /// <summary>Computes the mean share of neighbours that two lists have in common.</summary>
    /// <param name="first">What <see cref="Nearest"/> found.</param>
    /// <param name="second">The same for other vectors of the same rows.</param>
    /// <param name="neighbours">Neighbours of each row.</param>
    public static double Share(ReadOnlySpan<long> first, ReadOnlySpan<long> second, int neighbours)
    {
        long common = 0;
        for (int at = 0; at < first.Length; at += neighbours)
        {
            var others = second.Slice(at, neighbours);
            foreach (long row in first.Slice(at, neighbours))
            {
                common += others.Contains(row) ? 1 : 0;
            }
        }

        return (double)common / first.Length;
    }
}

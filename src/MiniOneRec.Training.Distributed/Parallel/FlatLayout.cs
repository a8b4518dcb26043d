namespace MiniOneRec.Training.Distributed;

/// <summary>Parameters laid end to end, cut into buckets, and every bucket into one equal share per rank.</summary>
internal sealed class FlatLayout
{
    /// <param name="sizes">The number of values of each parameter.</param>
    /// <param name="ranks">The number of processes.</param>
    /// <param name="bucketValues">The most values of a bucket.</param>
    public FlatLayout(IReadOnlyList<long> sizes, int ranks, long bucketValues)
    {
        long total = sizes.Sum();
        var buckets = new List<FlatBucket>();
        for (long start = 0; start < total; start += bucketValues)
        {
            long count = Math.Min(bucketValues, total - start), share = (count + ranks - 1) / ranks;
            buckets.Add(new FlatBucket(share, [.. Pieces(sizes, start, count)],
                [.. Enumerable.Range(0, ranks).Select(rank => Pieces(
                    sizes, start + Math.Min(count, rank * share), Math.Clamp(count - rank * share, 0, share)).ToArray())]));
        }

        Buckets = buckets;
    }

    /// <summary>Gets the buckets in order.</summary>
    public IReadOnlyList<FlatBucket> Buckets { get; }

    private static IEnumerable<FlatPiece> Pieces(IReadOnlyList<long> sizes, long start, long count)
    {
        long first = 0;
        for (int parameter = 0; parameter < sizes.Count; first += sizes[parameter], parameter++)
        {
            long from = Math.Max(start, first), to = Math.Min(start + count, first + sizes[parameter]);
            if (to > from)
            {
                yield return new FlatPiece(parameter, from - first, from - start, to - from);
            }
        }
    }
}

/// <summary>A bucket.</summary>
/// <param name="Share">The values of each rank, padding included.</param>
/// <param name="Pieces">Its parts of parameters; places count from the bucket's start.</param>
/// <param name="Owned">The parts of each rank; places count from the share's start.</param>
internal sealed record FlatBucket(long Share, IReadOnlyList<FlatPiece> Pieces, IReadOnlyList<IReadOnlyList<FlatPiece>> Owned);

/// <summary>Consecutive values of one parameter.</summary>
/// <param name="Parameter">The parameter's number.</param>
/// <param name="At">The first value within the parameter.</param>
/// <param name="Place">The first value within the bucket or the share.</param>
/// <param name="Count">The number of values.</param>
internal readonly record struct FlatPiece(int Parameter, long At, long Place, long Count);

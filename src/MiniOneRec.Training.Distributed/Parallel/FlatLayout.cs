using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>Parameters laid end to end, cut into buckets, and every bucket into one equal share per rank.</summary>
internal sealed class FlatLayout
{
    /// <param name="sizes">The number of values of each parameter.</param>
    /// <param name="ranks">The number of processes.</param>
    /// <param name="bucketValues">The most values of a bucket.</param>
    /// <param name="groups">The group of each parameter, or <see langword="null"/> for one; no bucket has parameters of two.</param>
    public FlatLayout(IReadOnlyList<long> sizes, int ranks, long bucketValues, IReadOnlyList<int>? groups = null)
    {
        var buckets = new List<FlatBucket>();
        foreach (var group in Enumerable.Range(0, sizes.Count).GroupBy(i => groups?[i] ?? 0).OrderBy(group => group.Key))
        {
            (int Parameter, long Size)[] members = [.. group.Select(i => (i, sizes[i]))];
            long total = members.Sum(member => member.Size);
            for (long start = 0; start < total; start += Math.Min(bucketValues, total - start))
            {
                long count = Math.Min(bucketValues, total - start), share = (count + ranks - 1) / ranks;
                buckets.Add(new FlatBucket(share, [.. Pieces(members, start, count)],
                    [.. Enumerable.Range(0, ranks).Select(rank => Pieces(
                        members, start + Math.Min(count, rank * share), Math.Clamp(count - rank * share, 0, share)).ToArray())]));
            }
        }

        Buckets = buckets;
    }

    /// <summary>Lays parameters out so that every bucket has values of one block and one type.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="ranks">The number of processes.</param>
    /// <param name="bucketValues">The most values of a bucket.</param>
    /// <param name="blocks">The block of each parameter, or <see langword="null"/> for one.</param>
    public static FlatLayout Of(Parameter[] parameters, int ranks, long bucketValues, IReadOnlyList<int>? blocks) =>
        new([.. parameters.Select(parameter => parameter.numel())], ranks, bucketValues,
            [.. parameters.Select((parameter, i) => 2 * (blocks?[i] ?? 0) + (parameter.dtype == ScalarType.BFloat16 ? 1 : 0))]);

    /// <summary>Gets the buckets in order.</summary>
    public IReadOnlyList<FlatBucket> Buckets { get; }

    private static IEnumerable<FlatPiece> Pieces((int Parameter, long Size)[] members, long start, long count)
    {
        long first = 0;
        foreach (var (parameter, size) in members)
        {
            long from = Math.Max(start, first), to = Math.Min(start + count, first + size);
            if (to > from)
            {
                yield return new FlatPiece(parameter, from - first, from - start, to - from);
            }

            first += size;
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

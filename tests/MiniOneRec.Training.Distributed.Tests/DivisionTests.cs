using FsCheck.Xunit;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed.Tests;

public sealed class DivisionTests
{
    [Property(MaxTest = 50)]
    public void Layout_AnySizes_EveryValueBelongsToOneRank(byte[] sizes, byte ranks, byte bucket)
    {
        long[] counts = [.. sizes.Take(12).Select(size => (long)(size % 24))];
        int size = 1 + ranks % 5;

        var layout = new FlatLayout(counts, size, 1 + bucket % 40);

        var owners = counts.Select(count => new int[count]).ToArray();
        foreach (var part in layout.Buckets)
        {
            Assert.All(part.Owned.SelectMany(pieces => pieces), piece => Assert.True(piece.Place + piece.Count <= part.Share));
            foreach (var piece in part.Owned.SelectMany(pieces => pieces))
            {
                for (long i = 0; i < piece.Count; i++)
                {
                    owners[piece.Parameter][piece.At + i]++;
                }
            }

            // The bucket and the shares put end to end are the same values in the same order.
            var whole = part.Pieces.SelectMany(piece => Values(piece, 0));
            var shares = part.Owned.SelectMany((pieces, rank) => pieces.SelectMany(piece => Values(piece, rank * part.Share)));
            Assert.Equal(whole, shares);
        }

        Assert.DoesNotContain(owners.SelectMany(of => of), owner => owner != 1);

        static IEnumerable<(int Parameter, long At, long Place)> Values(FlatPiece piece, long start)
        {
            for (long i = 0; i < piece.Count; i++)
            {
                yield return (piece.Parameter, piece.At + i, start + piece.Place + i);
            }
        }
    }

    [Property(MaxTest = 50)]
    public void Shares_AnyBatch_EveryMemberOnceAndWorkIsEven(byte[] costs, byte ranks)
    {
        int[] work = [.. costs.Select(cost => 1 + cost)];
        var parallel = new ParallelRun(new Imagined(1 + ranks % 5), Sharding.None);

        int[][] shares = parallel.Shares(work);

        Assert.Equal(Enumerable.Range(0, work.Length), shares.SelectMany(share => share).Order());
        Assert.All(shares, share => Assert.Equal(share.Order(), share));
        int[] loads = [.. shares.Select(share => share.Sum(i => work[i]))];
        Assert.True(loads.Max() - loads.Min() <= work.DefaultIfEmpty().Max());
    }

    [Property(MaxTest = 50)]
    public void Layout_WithGroups_NoBucketHasTwo(byte[] groups, byte ranks, byte bucket)
    {
        int[] of = [.. groups.Take(12).Select(group => group % 3 - 1)];

        var layout = new FlatLayout([.. of.Select(group => 5L + group)], 1 + ranks % 5, 1 + bucket % 40, of);

        Assert.All(layout.Buckets, part => Assert.Single(part.Pieces.Select(piece => of[piece.Parameter]).Distinct()));
        Assert.Equal(of.Sum(group => 5L + group), layout.Buckets.Sum(part => part.Pieces.Sum(piece => piece.Count)));
    }

    private sealed class Imagined(int size) : IProcessGroup
    {
        public int Rank => 0;

        public int Size => size;

        public int LocalRank => 0;

        public TimeSpan Deadline => TimeSpan.Zero;

        public ICollective AllReduce(Tensor tensor) => throw new NotSupportedException();

        public ICollective ReduceScatter(Tensor input, Tensor output) => throw new NotSupportedException();

        public ICollective AllGather(Tensor input, Tensor output) => throw new NotSupportedException();

        public ICollective Broadcast(Tensor tensor, int root) => throw new NotSupportedException();

        public void Barrier() => throw new NotSupportedException();

        public void Abandon(string reason)
        {
        }

        public void Dispose()
        {
        }
    }
}

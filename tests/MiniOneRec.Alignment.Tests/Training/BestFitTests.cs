using FsCheck.Xunit;
using MiniOneRec.Alignment;

namespace MiniOneRec.Tests;

public sealed class BestFitTests
{
    [Property]
    public bool Pack_EveryLengthOnce_NoBinOverfull(byte[] lengths, byte capacity)
    {
        int room = capacity + 1;
        int[] positive = [.. lengths.Select(length => length + 1)];

        var bins = BestFit.Pack(positive, room);

        return bins.SelectMany(bin => bin).Order().SequenceEqual(Enumerable.Range(0, positive.Length))
            && bins.All(bin => bin.Count == 1 || bin.Sum(i => positive[i]) <= room);
    }

    [Fact]
    public void Pack_FillsTheFullestBinThatHasRoom()
    {
        var bins = BestFit.Pack([6, 5, 4, 3, 2], 10);

        Assert.Equal([[0, 2], [1, 3, 4]], bins.Select(bin => bin.ToArray()));
    }
}

namespace MiniOneRec.Datasets.Tests;

public sealed class SlidingWindowTests
{
    private static readonly UserSequence Sequence = new("u", ["a", "b", "c", "d"]) { Timestamps = [1, 2, 3, 4] };

    [Fact]
    public void Expand_Sequence_MakesARowPerTarget()
    {
        var rows = SlidingWindow.Expand([Sequence, new UserSequence("v", ["x"]), new UserSequence("w", [])], maxHistory: 2);

        Assert.Equal(["a>b@2", "ab>c@3", "bc>d@4"], rows.Select(row => $"{string.Concat(row.History)}>{row.Target}@{row.Timestamp}"));
    }

    [Fact]
    public void Expand_Default_KeepsTenItems()
    {
        var row = SlidingWindow.Expand([new UserSequence("u", [.. Enumerable.Range(0, 15).Select(i => $"{i}")])]).Last();

        Assert.Equal(Enumerable.Range(4, 10).Select(i => $"{i}"), row.History);
        Assert.Equal("14", row.Target);
        Assert.Null(row.Timestamp);
    }

    [Fact]
    public void At_BadArguments_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => SlidingWindow.At(Sequence, 4));
        Assert.Throws<ArgumentOutOfRangeException>(() => SlidingWindow.At(Sequence, 1, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => SlidingWindow.Expand([Sequence], 0));
    }
}

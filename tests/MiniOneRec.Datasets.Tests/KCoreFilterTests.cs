using FsCheck.Xunit;

namespace MiniOneRec.Datasets.Tests;

public sealed class KCoreFilterTests
{
    [Fact]
    public void Apply_Cascade_IsFollowedToTheEnd()
    {
        // z goes for want of users; then d has too few items; then y too few users; then c too few items.
        UserSequence[] sequences =
        [
            new("a", ["w", "x"]), new("b", ["w", "x"]), new("c", ["x", "y"]) { Timestamps = [1, 2] }, new("d", ["y", "z"]),
        ];

        var core = new KCoreFilter(2, 2).Apply(sequences);

        Assert.Equal(["a:wx", "b:wx"], core.Select(s => $"{s.UserId}:{string.Concat(s.ItemIds)}"));
    }

    [Fact]
    public void Apply_Thresholds_AreSeparate()
    {
        UserSequence[] sequences = [new("a", ["x", "y", "x"]) { Timestamps = [1, 2, 3] }, new("b", ["z"])];

        Assert.Equal(["a:xyx", "b:z"], Show(new KCoreFilter(1, 1).Apply(sequences)));
        Assert.Equal(["a:xyx"], Show(new KCoreFilter(3, 1).Apply(sequences)));
        var byItem = new KCoreFilter(1, 2).Apply(sequences);
        Assert.Equal(["a:xx"], Show(byItem));
        Assert.Equal([1L, 3L], byItem[0].Timestamps!);
        Assert.Empty(new KCoreFilter(4, 1).Apply(sequences));
    }

    [Property]
    public bool Apply_AnyData_LeavesOnlyWhatHasEnough(byte[][] users)
    {
        UserSequence[] sequences =
            [.. (users ?? []).Index().Select(u => new UserSequence($"{u.Index}", [.. (u.Item ?? []).Select(item => $"{item % 4}")]))];

        var core = new KCoreFilter(2, 3).Apply(sequences);

        return core.All(s => s.ItemIds.Count >= 2) && core.SelectMany(s => s.ItemIds).CountBy(item => item).All(pair => pair.Value >= 3);
    }

    [Fact]
    public void Apply_DataSet_ReducesCatalogueAndIndex()
    {
        var data = new InteractionDataset
        {
            Name = "toy",
            Items = [new() { Id = "x" }, new() { Id = "y" }],
            Index = new SemanticIdIndex([new("x", new(0, 1)), new("y", new(2, 3))]),
            Sequences = [new("a", ["x", "x", "y"])],
        };

        var core = new KCoreFilter(1, 2).Apply(data);

        Assert.Equal("x", Assert.Single(core.Items).Id);
        Assert.Equal(["x"], core.Index!.Items);
        Assert.Equal([3, 4], core.Index.LevelSizes);
        Assert.Contains("No interactions of 'toy' remain with at least 9 per user and 1 per item", Assert.Throws<ArgumentException>(
            () => new KCoreFilter(9, 1).Apply(data)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_ZeroThreshold_IsRefused()
    {
        Assert.Equal("minimumPerUser", Assert.Throws<ArgumentOutOfRangeException>(() => new KCoreFilter(0)).ParamName);
        Assert.Equal("minimumPerItem", Assert.Throws<ArgumentOutOfRangeException>(() => new KCoreFilter(1, 0)).ParamName);
    }

    private static IEnumerable<string> Show(IEnumerable<UserSequence> sequences) =>
        sequences.Select(s => $"{s.UserId}:{string.Concat(s.ItemIds)}");
}

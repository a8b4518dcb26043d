namespace MiniOneRec.Baselines.Generative.Tests.Titles;

public sealed class TitleTreeTests
{
    [Fact]
    public void Build_TitlesWithCommonBeginnings_CoverTheirLeaves()
    {
        var tree = new TitleTree([[5, 6, 0], [3, 0], [5, 7, 0], [5, 6, 0]]);

        Assert.Equal([[1], [0, 3], [2]], tree.Leaves);
        var (start, end) = tree.Children(TitleTree.Root);
        Assert.Equal([3, 5], Enumerable.Range(start, end - start).Select(tree.Token));
        Assert.Equal([(0, 1), (1, 3)], Enumerable.Range(start, end - start).Select(tree.Covered));
        var (first, last) = tree.Children(start + 1);
        Assert.Equal([6, 7], Enumerable.Range(first, last - first).Select(tree.Token));
        Assert.All(Enumerable.Range(0, tree.Count), node =>
            Assert.Equal(tree.IsLeaf(node), tree.Children(node).Start == tree.Children(node).End));
        Assert.Equal(3, Enumerable.Range(0, tree.Count).Count(tree.IsLeaf));
    }

    [Fact]
    public void Build_NoTitle_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new TitleTree([]));
        Assert.Throws<ArgumentException>(() => new TitleTree([[1], []]));
    }
}

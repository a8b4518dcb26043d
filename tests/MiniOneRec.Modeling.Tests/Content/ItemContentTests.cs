namespace MiniOneRec.Modeling.Tests;

public sealed class ItemContentTests
{
    [Fact]
    public void For_AnotherOrder_FindsRowsByItem()
    {
        var content = new ItemContent(["f", "a"], 2, [1, 2, 3, 4]);

        var ordered = content.For(ContentToy.Index);

        Assert.Equal(ContentToy.Index.Items, ordered.Items);
        Assert.Equal([3f, 4], ordered[0].ToArray());
        Assert.Equal([1f, 2], ordered[5].ToArray());
        Assert.Equal(2, ordered.KnownCount);
        Assert.False(ordered.IsKnown(1));
    }

    [Fact]
    public void Fingerprint_CoversItemsVectorsAndGaps()
    {
        string plain = new ItemContent(["a", "b"], 1, [1, 0]).Fingerprint;

        Assert.Equal(plain, new ItemContent(["a", "b"], 1, [1, 0]).Fingerprint);
        Assert.NotEqual(plain, new ItemContent(["a", "c"], 1, [1, 0]).Fingerprint);
        Assert.NotEqual(plain, new ItemContent(["a", "b"], 1, [1, 0.5f]).Fingerprint);
        Assert.NotEqual(plain, new ItemContent(["a", "b"], 1, [1, 0], [true, false]).Fingerprint);
    }

    [Fact]
    public void BadVectors_AreNamed()
    {
        Assert.Contains("'b' holds NaN in column 1",
            Assert.Throws<ArgumentException>(() => new ItemContent(["a", "b"], 2, [1, 2, 3, float.NaN])).Message);
        Assert.Contains("need 4 numbers", Assert.Throws<ArgumentException>(() => new ItemContent(["a", "b"], 2, [1, 2, 3])).Message);
        Assert.Contains("'a' stands twice", Assert.Throws<ArgumentException>(() => new ItemContent(["a", "a"], 1, [1, 2])).Message);
        Assert.Contains("No item has a vector", Assert.Throws<ArgumentException>(() => new ItemContent(["a"], 1, [1], [false])).Message);
        Assert.Contains("None of the catalogue's 8 items",
            Assert.Throws<ArgumentException>(() => new ItemContent(["x"], 1, [1]).For(ContentToy.Index)).Message);
    }

    [Fact]
    public void MissingRow_MayHoldAnything()
    {
        var content = new ItemContent(["a", "b"], 1, [1, float.NaN], [true, false]);

        Assert.Equal(0, content[1][0]);
    }
}

namespace MiniOneRec.Baselines.Tests;

public sealed class ItemCatalogueTests
{
    [Fact]
    public void Of_NoCatalogue_TakesItemsInOrderOfOccurrence()
    {
        var (catalogue, sequences, dropped) = ItemCatalogue.Of(Toy.Users("b a", "a c"), null);

        Assert.Equal(["b", "a", "c"], catalogue.Items);
        Assert.Equal([1, 2, 1], catalogue.Counts);
        Assert.Equal([[0, 1], [1, 2]], sequences);
        Assert.Equal(0, dropped);
    }

    [Fact]
    public void Of_ItemsOutsideCatalogue_AreDroppedAndCounted()
    {
        var (catalogue, sequences, dropped) = ItemCatalogue.Of(Toy.Users("a x b x"), ["a", "b", "cold"]);

        Assert.Equal([[0, 1]], sequences);
        Assert.Equal(2, dropped);
        Assert.Equal([1, 1, 0], catalogue.Counts);
    }

    [Fact]
    public void Of_ItemTwice_NamesIt()
    {
        var error = Assert.Throws<ArgumentException>(() => new PopularityRecommender([], ["a", "b", "a"]));

        Assert.StartsWith("Item 'a' is in the catalogue twice.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_NoItems_SaysSo()
    {
        var error = Assert.Throws<ArgumentException>(() => new PopularityRecommender([]));

        Assert.StartsWith("A catalogue needs at least one item.", error.Message, StringComparison.Ordinal);
    }
}

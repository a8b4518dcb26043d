namespace MiniOneRec.Datasets.Tests;

public sealed class ItemFileReaderTests
{
    [Fact]
    public async Task Read_Columns_BecomeTheItem()
    {
        using var folder = new TempFolder();
        string path = folder.File(
            "ml.item",
            "price:float\titem_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\ttags:token_seq\n9.5\t1\tToy "
            + "Story\t1995\tAnimation Comedy\ta b\n\t2\tHeat\t\t\t\n");

        var items = await ItemFileReader.ReadAsync(path).ToListAsync();

        Assert.Equal(
            new Item
            {
                Id = "1",
                Title = "Toy Story",
                Categories = ["Animation", "Comedy"],
                Attributes = new Dictionary<string,
                AttributeValue> { ["price"] = 9.5, ["release_year"] = "1995", ["tags"] = new[] { "a", "b" } },
            },
            items[0]);
        Assert.Equal(new Item { Id = "2", Title = "Heat" }, items[1]);
    }

    [Fact]
    public async Task Load_ItemFile_GivesTitlesToInteractions()
    {
        using var folder = new TempFolder();
        string inter = folder.File("ml.inter", "user_id:token\titem_id:token\nu\t2\nu\t1\nu\t3\n");
        string items =
            folder.File("ml.item", "item_id:token\ttitle:token_seq\tcategories:token_seq\n1\tTent\t['Camping', 'For two']\n2\tStove\t\n");

        var data = await InteractionDataset.LoadAsync(inter, itemsPath: items);

        Assert.Equal(["Tent", "Stove"], data.Items.Select(item => item.Title));
        Assert.Equal(["Camping", "For two"], data.Items[0].Categories);
        Assert.Equal(["2", "1"], data.Sequences[0].ItemIds);
        Assert.Equal(1, data.SkippedInteractions);
    }

    [Theory]
    [InlineData("title:token\nx\n", "line 1, column 'item_id:token': the header 'title:token' lacks it")]
    [InlineData("item_id:token\tprice:float\n1\tcheap\n", "line 2, column 'price:float': 'cheap' is no finite number")]
    [InlineData("item_id:token\n1\n1\n", "line 3, column 'item_id:token': item '1' was already on line 2")]
    [InlineData("item_id:token\n", "has a header and no items")]
    public async Task Read_BadFile_NamesLineAndColumn(string text, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.File("x.item", text);

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () => await ItemFileReader.ReadAsync(path).ToListAsync());

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}

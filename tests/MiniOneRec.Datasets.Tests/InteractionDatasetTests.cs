namespace MiniOneRec.Datasets.Tests;

public sealed class InteractionDatasetTests
{
    private const string Inter = """{"0": [0, 1, 9], "1": [1, 0], "2": [9]}""";

    [Fact]
    public async Task Load_WithIndex_SkipsAndCountsUnknownItems()
    {
        using var folder = new TempFolder();

        var data = await InteractionDataset.LoadAsync(folder.File("Toy.inter.json", Inter), folder.File("Toy.index.json", """{"0": ["<a_0>"], "1": ["<a_1>"]}"""));

        Assert.Equal("Toy", data.Name);
        Assert.Equal(["0", "1"], data.Items.Select(item => item.Id));
        Assert.Equal(["0:01", "1:10"], Show(data));
        Assert.Equal(2, data.SkippedInteractions);
        Assert.Equal(2, data.Index!.Count);
    }

    [Fact]
    public async Task Load_WithoutCatalogue_ItemsAreThoseSeen()
    {
        using var folder = new TempFolder();

        var data = await InteractionDataset.LoadAsync(folder.File("Toy.txt", "u 5 7\nv 7 6\n"), name: "mine");

        Assert.Equal("mine", data.Name);
        Assert.Equal(["5", "7", "6"], data.Items.Select(item => item.Id));
        Assert.Null(data.Index);
        Assert.Equal(0, data.SkippedInteractions);
    }

    [Fact]
    public async Task Load_AtomicRows_ArePutTogether()
    {
        using var folder = new TempFolder();
        string path = folder.File("Toy.train.inter", "user_id:token\titem_id_list:token_seq\titem_id:token\n0\t1\t2\n0\t1 2\t3\n1\t5\t6\n");

        var data = await InteractionDataset.LoadAsync(path, itemsPath: folder.File("Toy.item.json", """{"1": {}, "2": {}, "3": {"title": "T"}, "5": {}, "6": {}}"""));

        Assert.Equal(["0:123", "1:56"], Show(data));
        Assert.Equal("T", data.Items[2].Title);
    }

    [Fact]
    public async Task Load_IndexLacksAnItem_NamesBothFiles()
    {
        using var folder = new TempFolder();
        string index = folder.File("Toy.index.json", """{"0": ["<a_0>"]}"""), items = folder.File("Toy.item.json", """{"0": {}, "1": {}}""");
        string inter = folder.File("Toy.inter.json", Inter);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => InteractionDataset.LoadAsync(inter, index, items));

        Assert.All([index, items, "lacks 1 of the 2 items", "first item '1'"],
            text => Assert.Contains(text, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Load_RaggedDepth_NamesFileAndItem()
    {
        using var folder = new TempFolder();
        string index = folder.File("Toy.index.json", """{"0": ["<a_0>", "<b_0>"], "1": ["<a_0>"]}"""), inter = folder.File("Toy.inter.json", Inter);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => InteractionDataset.LoadAsync(inter, index));

        Assert.Contains(index, error.Message, StringComparison.Ordinal);
        Assert.Contains("item '1': depth 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_NothingKnown_NamesTheFile()
    {
        using var folder = new TempFolder();
        string inter = folder.File("Toy.inter.json", """{"0": [7, 8]}"""), index = folder.File("Toy.index.json", """{"0": ["<a_0>"]}""");

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => InteractionDataset.LoadAsync(inter, index));

        Assert.Contains($"'{inter}' has no interaction with one of the catalogue's 1 items", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_MissingFile_IsNamed()
    {
        var error = await Assert.ThrowsAsync<FileNotFoundException>(() => InteractionDataset.LoadAsync("no/such.inter.json"));

        Assert.Contains("'no/such.inter.json' does not exist", error.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Show(InteractionDataset data) =>
        data.Sequences.Select(s => $"{s.UserId}:{string.Concat(s.ItemIds)}");
}

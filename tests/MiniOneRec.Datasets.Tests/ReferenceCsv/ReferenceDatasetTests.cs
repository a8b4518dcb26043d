namespace MiniOneRec.Datasets.Tests;

public sealed class ReferenceDatasetTests
{
    [Fact]
    public async Task Load_Toy_HasItemsIndexAndSplits()
    {
        using var toy = new ToyReference();

        var data = await ReferenceDataset.LoadAsync(toy.Path, ToyReference.Name);

        Assert.Equal(["0", "1", "2", "3"], data.ItemIds);
        Assert.Equal("Round. Red.", data.Items[0].Description);
        Assert.Null(data.Items[1].Description);
        Assert.Equal(3, data.Index!.DistinctCount);
        Assert.Equal((3, 1, 1), (data.Train.Count, data.Validation.Count, data.Test.Count));
        Assert.Equal(["A1:0 1 2", "A2:3 3"], data.TrainSequences.Select(s => $"{s.UserId}:{string.Join(' ', s.ItemIds)}"));
        Assert.Equal(0, data.SkippedHistoryItems);
    }

    [Fact]
    public async Task Rejoin_LeaveOneOut_SplitsTheWholeSequences()
    {
        using var toy = new ToyReference();
        var data = await ReferenceDataset.LoadAsync(toy.Path, ToyReference.Name);

        var again = new LeaveOneOutSplit().Split(data.Rejoin());

        Assert.Equal("leave-one-out", again.Split);
        Assert.Equal(["0", "1", "2"], again.TrainSequences[0].ItemIds);
        Assert.Equal(("3", "0"), (again.Validation.Single().Target, again.Test.Single().Target));
        Assert.Contains("'A1' of 'Toys_and_Games' has none", Assert.Throws<ArgumentException>(
            () => new GlobalTimeSplit().Split(data.Rejoin())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_UnknownHistoryItems_AreSkippedAndCounted()
    {
        using var toy = new ToyReference();
        toy.Csv("test", "A1,\"[77, 0, 99]\",1\nA1,[88],2");

        var data = await ReferenceDataset.LoadAsync(toy.Path, ToyReference.Name);

        Assert.Equal(["0"], data.Test[0].History);
        Assert.Empty(data.Test[1].History);
        Assert.Equal(3, data.SkippedHistoryItems);
    }

    [Fact]
    public async Task Load_TargetOutOfRange_NamesFileLineAndColumn()
    {
        using var toy = new ToyReference();
        string path = toy.Csv("train", "A1,[0],1\nA1,[1],4");

        await Refuses<InvalidDataException>(toy, path, "line 3, column 'item_id': item '4' is not one of the catalogue's 4 items");
    }

    [Fact]
    public async Task Load_IndexLacksAnItem_NamesFileAndItem()
    {
        using var toy = new ToyReference();
        string path = toy.Write("index/Toys_and_Games.index.json", """{"0": ["<a_0>", "<b_0>"], "1": ["<a_0>", "<b_1>"], "3": ["<a_1>", "<b_0>"]}""");

        await Refuses<InvalidDataException>(toy, path, "lacks 1 of the 4 items", "first item '2'");
    }

    [Fact]
    public async Task Load_IndexHasAForeignItem_NamesFileAndItem()
    {
        using var toy = new ToyReference();
        string path = toy.Write("index/Toys_and_Games.item.json", """{"0": {}, "1": {}, "2": {}}""");

        await Refuses<InvalidDataException>(toy, path, "first extra item '3'");
    }

    [Fact]
    public async Task Load_RaggedDepth_NamesFileAndItem_UnlessAllowed()
    {
        using var toy = new ToyReference();
        toy.Write("info/Toys_and_Games_5_2016-10-2018-11.txt", "<a_0><b_0>\tBall\t0\n");
        string path = toy.Write("index/Toys_and_Games.index.json", """
            {"0": ["<a_0>", "<b_0>"], "1": ["<a_0>", "<b_1>"], "2": ["<a_1>"], "3": ["<a_2>", "<b_2>"]}
            """);

        await Refuses<InvalidDataException>(toy, path, "item '2': depth 1, but item '0' has depth 2");
        var allowed = await ReferenceDataset.LoadAsync(toy.Path, ToyReference.Name, requireUniformDepth: false);
        Assert.Equal(1, allowed.Index!["2"].Depth);
    }

    [Fact]
    public async Task Load_InfoDisagreesWithIndex_NamesFileAndLine()
    {
        using var toy = new ToyReference();
        string path = toy.Write("info/Toys_and_Games_5_2016-10-2018-11.txt", "<a_0><b_0>\tBall\t0\n<a_9><b_1>\tBat\t1\n");

        await Refuses<InvalidDataException>(toy, path, "line 2, column 'semantic ID': item '1' has <a_9><b_1>; expected <a_0><b_1>");
    }

    [Fact]
    public async Task Load_InfoNamesAnUnknownItem_NamesFileAndLine()
    {
        using var toy = new ToyReference();
        string path = toy.Write("info/Toys_and_Games_5_2016-10-2018-11.txt", "<a_0><b_0>\tBall\t8\n");

        await Refuses<InvalidDataException>(toy, path, "line 1, column 'item id': item '8'");
    }

    [Fact]
    public async Task Load_HeaderWithoutRows_IsRefused()
    {
        using var toy = new ToyReference();
        string path = toy.Write("valid/Toys_and_Games_5_2016-10-2018-11.csv", "user_id,history_item_id,item_id\n");

        await Refuses<InvalidDataException>(toy, path, "no rows");
    }

    [Theory]
    [InlineData("index/Toys_and_Games.item.json")]
    [InlineData("index/Toys_and_Games.index.json")]
    [InlineData("train/Toys_and_Games_5_2016-10-2018-11.csv")]
    [InlineData("info/Toys_and_Games_5_2016-10-2018-11.txt")]
    public async Task Load_EmptyFile_IsNamed(string name)
    {
        using var toy = new ToyReference();
        string path = toy.Write(name, "");

        await Refuses<InvalidDataException>(toy, path, "is empty; expected");
    }

    [Fact]
    public async Task Load_MissingFile_SaysWhatWasLookedFor()
    {
        using var toy = new ToyReference();
        File.Delete(Path.Combine(toy.Path, "test", "Toys_and_Games_5_2016-10-2018-11.csv"));

        await Refuses<FileNotFoundException>(toy, Path.Combine(toy.Path, "test"), "No file 'Toys_and_Games.csv' or 'Toys_and_Games_5_…",
            "'Toys_and_Games'");
    }

    [Fact]
    public async Task Load_UnknownName_ListsTheDataSetsThere()
    {
        using var toy = new ToyReference();

        var error = await Assert.ThrowsAsync<FileNotFoundException>(() => ReferenceDataset.LoadAsync(toy.Path, "Toys"));

        Assert.Contains("data sets there are 'Toys_and_Games'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_SeveralFilesFit_ListsThem()
    {
        using var toy = new ToyReference();
        toy.Write("train/Toys_and_Games_5_2015.csv", "x");
        toy.Write("train/Toys_and_Games_Extra_5_2015.csv", "another data set");

        await Refuses<InvalidDataException>(
            toy, Path.Combine(toy.Path, "train"), "Toys_and_Games_5_2015.csv, Toys_and_Games_5_2016-10-2018-11.csv; expected one");
    }

    [Fact]
    public async Task Load_MissingFolder_IsNamed()
    {
        var error = await Assert.ThrowsAsync<DirectoryNotFoundException>(() => ReferenceDataset.LoadAsync("no/such/folder", "X"));

        Assert.Contains("'no/such/folder'", error.Message, StringComparison.Ordinal);
    }

    private static async Task Refuses<TException>(ToyReference toy, params string[] contents)
        where TException : Exception
    {
        var error = await Assert.ThrowsAsync<TException>(() => ReferenceDataset.LoadAsync(toy.Path, ToyReference.Name));

        Assert.All(contents, content => Assert.Contains(content, error.Message, StringComparison.Ordinal));
    }
}

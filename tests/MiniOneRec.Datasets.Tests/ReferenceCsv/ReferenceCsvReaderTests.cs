namespace MiniOneRec.Datasets.Tests;

public sealed class ReferenceCsvReaderTests
{
    private const string Header = "user_id,history_item_title,item_title,history_item_id,item_id,history_item_sid,item_sid\n";

    [Fact]
    public async Task Read_Row_HasEveryColumn()
    {
        using var folder = new TempFolder();
        string path = folder.File("x.csv",
            Header + "A1,\"['One', \"\"It's two\"\"]\",\"Three, 3\",\"[1, 2]\",3,\"['<a_1><b_2>', '<a_1><b_3>']\",<a_2><b_0>\n");

        var row = Assert.Single(await ReferenceCsvReader.ReadAsync(path).ToListAsync());

        Assert.Equal(2, row.Line);
        Assert.Equal("A1", row.UserId);
        Assert.Equal(["One", "It's two"], row.HistoryTitles);
        Assert.Equal("Three, 3", row.Title);
        Assert.Equal(["1", "2"], row.HistoryItemIds);
        Assert.Equal("3", row.ItemId);
        Assert.Equal([new SemanticId(1, 2), new SemanticId(1, 3)], row.HistorySemanticIds);
        Assert.Equal(new SemanticId(2, 0), row.SemanticId);
        Assert.Equal(("A1", "3"), (row.ToExample().UserId, row.ToExample().Target));
    }

    [Fact]
    public async Task Read_OtherOrderAndExtraColumns_AreFoundByName()
    {
        using var folder = new TempFolder();
        string path = folder.File("x.csv", ",item_id,history_item_id,user_id\n0,3,[1],A1\n");

        var row = Assert.Single(await ReferenceCsvReader.ReadAsync(path).ToListAsync());

        Assert.Equal(("A1", "1", "3"), (row.UserId, row.HistoryItemIds[0], row.ItemId));
        Assert.Null(row.SemanticId);
    }

    [Theory]
    [InlineData("user_id,item_id\nA,1\n", "line 1, column 'history_item_id': the header")]
    [InlineData(Header + "A1,['t'],x,[1],3,['<a_1>'],<a_1>\nA1,t\n", "line 3: 2 cells; expected 7")]
    [InlineData(Header + "A1,['t'],x,range(9),3,[],<a_1>\n",
        "line 2, column 'history_item_id': 'range(9)' is no list literal at character 1 ('r'); expected '['")]
    [InlineData(Header + "A1,[os.exit()],x,[1],3,[],<a_1>\n",
        "line 2, column 'history_item_title': '[os.exit()]' is no list literal at character 2")]
    [InlineData(Header + "A1,[],x,[1],3,[],<a_1>\n", "line 2, column 'history_item_title': 0 titles for 1 items")]
    [InlineData(Header + "A1,['t'],x,[1],3,\"['<a_1>', '<a_2>']\",<a_1>\n",
        "line 2, column 'history_item_sid': 2 semantic IDs for 1 items")]
    [InlineData(Header + "A1,['t'],x,[1],3,['<a_1>'],<b_1>\n", "line 2, column 'item_sid': '<b_1>' is no semantic ID")]
    [InlineData(Header + "A1,['t'],x,[1],,['<a_1>'],<a_1>\n", "line 2, column 'item_id': the cell is empty; expected an item id")]
    [InlineData("\n\n", "is blank")]
    [InlineData("", "is empty; expected a header with at least user_id")]
    public async Task Read_BadFile_NamesFileLineColumnAndWhatWasExpected(string text, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.File("bad.csv", text);

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () => await ReferenceCsvReader.ReadAsync(path).ToListAsync());

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_MissingFile_IsNamed()
    {
        var error =
            await Assert.ThrowsAsync<FileNotFoundException>(async () => await ReferenceCsvReader.ReadAsync("no/such.csv").ToListAsync());

        Assert.Contains("'no/such.csv' does not exist", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_Streams_RowsBeforeABadOneArrive()
    {
        using var folder = new TempFolder();
        string path =
            folder.File("x.csv", "user_id,history_item_id,item_id\n" + string.Concat(Enumerable.Repeat("A,[1],2\n", 10_000)) + "A,[1\n");

        var first = await ReferenceCsvReader.ReadAsync(path).FirstAsync();

        Assert.Equal("2", first.ItemId);
    }
}

namespace MiniOneRec.Datasets.Tests;

public sealed class InterFileReaderTests
{
    private const string Header = "user_id:token\titem_id_list:token_seq\titem_id:token\n";

    [Fact]
    public async Task Read_Rows_AreExamples()
    {
        using var folder = new TempFolder();

        var rows = await InterFileReader.ReadAsync(folder.File("x.inter", Header + "0\t3 4\t5\n1\t\t2\n")).ToListAsync();

        Assert.Equal(["0|3,4|5", "1||2"], rows.Select(row => $"{row.UserId}|{string.Join(',', row.History)}|{row.Target}"));
    }

    [Theory]
    [InlineData("user_id:token\titem_id:token\n", "line 1, column 'item_id_list:token_seq': the header")]
    [InlineData(Header + "0\t3\n", "line 2: 2 tab-separated cells; expected 3")]
    [InlineData(Header + "0\t3\t\n", "line 2, column 'item_id:token': the cell is empty")]
    public async Task Read_BadFile_NamesLineAndColumn(string text, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.File("x.inter", text);

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () => await InterFileReader.ReadAsync(path).ToListAsync());

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReadSequences_UsualFile_IsOrderedByTime()
    {
        using var folder = new TempFolder();
        string path = folder.File("ml.inter", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\t10\t5\t100\n1\t11\t4\t50\n");

        var data = await InteractionDataset.LoadAsync(path);

        var sequence = Assert.Single(data.Sequences);
        Assert.Equal("1", sequence.UserId);
        Assert.Equal(["11", "10"], sequence.ItemIds);
        Assert.Equal([50L, 100L], sequence.Timestamps!);
        Assert.Equal([4d, 5d], sequence.Weights!);
        Assert.Null(sequence.EventTypes);
    }

    [Fact]
    public async Task ReadSequences_AnyOrderOfColumns_IsFoundByName()
    {
        using var folder = new TempFolder();
        string path = folder.File(
            "x.inter",
                "timestamp:float\tevent_type:token\titem_id:token\treview:token_seq\tuser_id:token\r\n1.5e1\tbuy\ti b\tso "
                + "so\tu\r\n15.25\tview\tj\t\tv\r\n14\tview\tk\t\tu\r\n");

        var sequences = await InterFileReader.ReadSequencesAsync(path);

        Assert.Equal(["u:k,i b:14,15:view,buy", "v:j:15:view"], sequences.Select(
            user => string.Join(
                ':', user.UserId, string.Join(',', user.ItemIds), string.Join(',', user.Timestamps!), string.Join(',', user.EventTypes!))));
    }

    [Fact]
    public async Task ReadSequences_WithoutTimes_KeepsTheOrderOfTheFile()
    {
        using var folder = new TempFolder();
        string path = folder.File("x.inter", "item_id:token\tuser_id:token\n9\ta\n1\tb\n3\ta\n9\ta\n");

        var sequences = await InterFileReader.ReadSequencesAsync(path);

        Assert.Equal(["a:9,3,9", "b:1"], sequences.Select(user => $"{user.UserId}:{string.Join(',', user.ItemIds)}"));
        Assert.All(sequences, user => Assert.Null(user.Timestamps));
    }

    [Fact]
    public async Task ReadSequences_LongTimes_KeepTheirOrder()
    {
        using var folder = new TempFolder();
        string path =
            folder.File("x.inter", "user_id:token\titem_id:token\ttimestamp:float\nu\tb\t9007199254740993\nu\ta\t9007199254740992\n");

        Assert.Equal(["a", "b"], (await InterFileReader.ReadSequencesAsync(path))[0].ItemIds);
    }

    [Fact]
    public async Task ReadInteractions_OtherNames_AreFound()
    {
        using var folder = new TempFolder();
        string path = folder.File("steam.inter", "user_id:token\tproduct_id:token\tplay_hours:float\nu\t440\t1.5\n");

        var interaction = await InterFileReader.ReadInteractionsAsync(path, new InterColumns { Item = "product_id", Weight = "play_hours" })
            .SingleAsync();

        Assert.Equal(new Interaction("u", "440") { Weight = 1.5 }, interaction);
    }

    [Theory]
    [InlineData("user_id:token\trating:float\n", "line 1, column 'item_id:token': the header")]
    [InlineData("user_id item_id\n1 2\n", "line 1, column 'user_id:token': the header 'user_id item_id' lacks it")]
    [InlineData("user_id:token\titem_id:token\titem_id:token\n", "line 1, column 'item_id': the header")]
    [InlineData("user_id:token\titem_id:float\n", "line 1, column 'item_id': the header has the type 'float'; expected 'token'")]
    [InlineData("user_id:token\titem_id:token\ttimestamp:float\n1\t2\t\n", "line 2, column 'timestamp:float': '' is no time")]
    [InlineData("user_id:token\titem_id:token\ttimestamp:float\n1\t2\tnan\n", "line 2, column 'timestamp:float': 'nan' is no time")]
    [InlineData("user_id:token\titem_id:token\ttimestamp:float\n1\t2\t1e25\n", "line 2, column 'timestamp:float': '1e25' is no time")]
    [InlineData("user_id:token\titem_id:token\trating:float\n1\t2\t1e400\n", "line 2, column 'rating:float': '1e400' is no finite number")]
    [InlineData("user_id:token\titem_id:token\n1\t\n", "line 2, column 'item_id:token': the cell is empty")]
    [InlineData("user_id:token\titem_id:token\n\t3\n", "line 2, column 'user_id:token': the cell is empty")]
    [InlineData("user_id:token\titem_id:token\n1\t2\t3\n", "line 2: 3 tab-separated cells; expected 2")]
    public async Task ReadSequences_BadFile_NamesLineAndColumn(string text, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.File("x.inter", text);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => InterFileReader.ReadSequencesAsync(path));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}

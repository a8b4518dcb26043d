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
}

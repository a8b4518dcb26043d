namespace MiniOneRec.Datasets.Tests;

public sealed class InfoFileReaderTests
{
    [Fact]
    public async Task Read_TitleWithTab_IsWhole()
    {
        using var folder = new TempFolder();

        var rows = await InfoFileReader.ReadAsync(folder.File("i.txt", "<a_0><b_1>\tA\tB\t7\n\n<a_2><b_0>\t\t8\n")).ToListAsync();

        Assert.Equal([new InfoRow(new SemanticId(0, 1), "A\tB", "7", 1), new InfoRow(new SemanticId(2, 0), "", "8", 3)], rows);
    }

    [Theory]
    [InlineData("<a_0>\tTitle\t0\nno tabs\n", "line 2: 1 tab-separated cells; expected 3")]
    [InlineData("<a_0>\tTitle\n", "line 1: 2 tab-separated cells; expected 3")]
    [InlineData("[a_0]\tTitle\t0\n", "line 1, column 'semantic ID': '[a_0]' is no semantic ID")]
    [InlineData("<a_0>\tTitle\t \n", "line 1, column 'item id': the cell is empty")]
    [InlineData(" \n \n", "only blank lines")]
    public async Task Read_BadLine_NamesFileLineAndColumn(string text, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.File("i.txt", text);

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () => await InfoFileReader.ReadAsync(path).ToListAsync());

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}

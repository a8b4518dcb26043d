namespace MiniOneRec.Datasets.Tests;

public sealed class CsvReaderTests
{
    [Theory]
    [InlineData("a,b\n1,2\n", "a|b;1|2")]
    [InlineData("a,b\r\n1,2", "a|b;1|2")]
    [InlineData("a,\n,2\n", "a|;|2")]
    [InlineData("\"a,x\",\"say \"\"hi\"\"\"\n", "a,x|say \"hi\"")]
    [InlineData("\"two\nlines\",\"\"\n\n3,4\n", "two\nlines|;3|4")]
    [InlineData("a\"b,c\n", "a\"b|c")]
    [InlineData("\uFEFFa,b\n", "a|b")]
    public async Task Read_Rfc4180_IsUnquoted(string text, string expected)
    {
        using var folder = new TempFolder();

        var records = await CsvReader.ReadAsync(folder.File("x.csv", text), "rows").ToListAsync();

        Assert.Equal(expected, string.Join(';', records.Select(record => string.Join('|', record.Cells))));
    }

    [Fact]
    public async Task Read_QuotedLineBreaks_LineNumbersAreTheFiles()
    {
        using var folder = new TempFolder();

        var records = await CsvReader.ReadAsync(folder.File("x.csv", "a\n\"b\nb\nb\"\nc\n\nd"), "rows").ToListAsync();

        Assert.Equal([1L, 2L, 5L, 7L], records.Select(record => record.Line));
    }

    [Fact]
    public async Task Read_CellsLongerThanTheBuffer_AreWhole()
    {
        using var folder = new TempFolder();
        string cell = string.Concat(Enumerable.Range(0, 30_000).Select(i => $"{i},"));

        var records = await CsvReader.ReadAsync(folder.File("x.csv", $"\"{cell}\",1\n\"{cell}\",2\n"), "rows").ToListAsync();

        Assert.Equal([cell, "1"], records[0].Cells);
        Assert.Equal([cell, "2"], records[1].Cells);
    }

    [Theory]
    [InlineData("a,b\n\"c,d\n", "line 2: the quoted cell 1 is not closed")]
    [InlineData("a,b\n1,\"c\"d\n", "line 2: 'd' follows the closing quote of cell 2")]
    public async Task Read_BadQuotes_SaysWhere(string text, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.File("x.csv", text);

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () => await CsvReader.ReadAsync(path, "rows").ToListAsync());

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}

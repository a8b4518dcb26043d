using System.IO.Compression;

namespace MiniOneRec.Datasets.Tests;

public sealed class SequenceTextReaderTests
{
    [Fact]
    public async Task Read_SpacesAndTabs_SeparateAlike()
    {
        using var folder = new TempFolder();

        var sequences = await SequenceTextReader.ReadAsync(folder.File("x.txt", "u1 5 7  9\r\n\nu2\t4\tx-1\n")).ToListAsync();

        Assert.Equal(["u1:5,7,9", "u2:4,x-1"], sequences.Select(s => $"{s.UserId}:{string.Join(',', s.ItemIds)}"));
    }

    [Fact]
    public async Task Read_Gzip_IsUnpacked()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "x.txt.gz");
        using (var gzip = new StreamWriter(new GZipStream(File.Create(path), CompressionMode.Compress)))
        {
            gzip.WriteLine("u1 1 2");
        }

        Assert.Equal(["1", "2"], (await SequenceTextReader.ReadAsync(path).SingleAsync()).ItemIds);
    }

    [Theory]
    [InlineData("u1 1\nu2\n", "line 2: 'u2' has no items; expected a user and at least one item id")]
    [InlineData("u1 1\nu2 1\nu1 3\n", "line 3, column 'user': user 'u1' was already on line 1")]
    [InlineData("", "is empty; expected lines of a user and item ids")]
    public async Task Read_BadLine_NamesFileAndLine(string text, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.File("x.txt", text);

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () => await SequenceTextReader.ReadAsync(path).ToListAsync());

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}

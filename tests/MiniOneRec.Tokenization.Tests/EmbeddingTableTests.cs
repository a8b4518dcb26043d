using System.Text;

namespace MiniOneRec.Tokenization.Tests;

public class EmbeddingTableTests
{
    [Fact]
    public async Task SaveAsync_ThenLoadAsync_GivesTheSameNumbers()
    {
        using var folder = new TemporaryFolder();
        var table = Toy.Clusters(7, 5, 2, 1, seed: 1);

        await table.SaveAsync(folder.File("a.npy"));
        var loaded = await EmbeddingTable.LoadAsync(folder.File("a.npy"), expectedCount: 7, expectedWidth: 5);

        Assert.Equal(table.Values.ToArray(), loaded.Values.ToArray());
        Assert.Equal(table.Fingerprint(), loaded.Fingerprint());
        Assert.Equal(0, new FileInfo(folder.File("a.npy")).Length % 4);
    }

    [Fact]
    public async Task LoadAsync_Float64InFortranOrder_IsTransposed()
    {
        using var folder = new TemporaryFolder();
        await WriteAsync(folder.File("a.npy"), "<f8", "True", "(2, 3)",
            [.. new double[] { 1, 4, 2, 5, 3, 6 }.SelectMany(BitConverter.GetBytes)]);

        var table = await EmbeddingTable.LoadAsync(folder.File("a.npy"));

        Assert.Equal([1, 2, 3, 4, 5, 6], table.Values.ToArray());
    }

    [SkippableFact]
    public async Task LoadAsync_NumPyFile_HasUnitRows()
    {
        string path = Path.Combine(TestData.ForeignFixture("embeddings"), "Office_Products.emb-minilm-td.npy");

        var table = await EmbeddingTable.LoadAsync(path, 3459, 384);

        Assert.Equal(1, Enumerable.Range(0, 384).Sum(i => table[17][i] * table[17][i]), 1e-4);
    }

    [Fact]
    public void Constructor_NotANumber_NamesRowAndColumn()
    {
        var error = Assert.Throws<ArgumentException>(() => new EmbeddingTable(2, 3, [0, 0, 0, 0, float.NaN, 0]));
        Assert.Contains("Row 1, column 1 is NaN", error.Message, StringComparison.Ordinal);

        Assert.Throws<ArgumentException>(() => new EmbeddingTable(2, 3, new float[5]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new EmbeddingTable(0, 3, []));
    }

    [Fact]
    public void FromRows_WidthsThatDiffer_NamesTheRow()
    {
        var error = Assert.Throws<ArgumentException>(() => EmbeddingTable.FromRows([new float[3], new float[4]]));
        Assert.Contains("Vector 1 has width 4", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<f4", "False", "(2, 2)", 16, "")]
    [InlineData("<f4", "False", "(2, 2)", 12, "holds 12 bytes of data; shape [2, 2] of '<f4' needs 16")]
    [InlineData("<i8", "False", "(2, 2)", 32, "has type '<i8'")]
    [InlineData("<f4", "False", "(4,)", 16, "has shape [4]")]
    [InlineData("<f4", "False", "(0, 4)", 0, "has shape [0, 4]")]
    [InlineData("<f4", "False", "(99999, 99999999)", 16, "has shape [99999, 99999999]")]
    [InlineData("<f4", "maybe", "(2, 2)", 16, "has a header without")]
    public async Task LoadAsync_BadFile_SaysWhatIsWrong(string type, string fortran, string shape, int bytes, string problem)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("a.npy");
        await WriteAsync(path, type, fortran, shape, new byte[bytes]);

        if (problem.Length == 0)
        {
            Assert.Equal(2, (await EmbeddingTable.LoadAsync(path)).Count);
            return;
        }

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => EmbeddingTable.LoadAsync(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_NotANumberOrOtherShape_NamesThePlace()
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("a.npy");
        await WriteAsync(path, "<f4", "False", "(2, 2)",
            [.. new float[] { 1, 2, float.PositiveInfinity, 3 }.SelectMany(BitConverter.GetBytes)]);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => EmbeddingTable.LoadAsync(path));
        Assert.Contains("row 1, column 0", error.Message, StringComparison.Ordinal);
        error = await Assert.ThrowsAsync<InvalidDataException>(() => EmbeddingTable.LoadAsync(path, expectedCount: 3));
        Assert.Contains("shape [2, 2]; expected [3, any]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_EmptyOrMissingFile_Throws()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder.File("a.npy"), []);
        await File.WriteAllBytesAsync(folder.File("b.npy"), Encoding.ASCII.GetBytes("not an array at all"));

        Assert.Contains("is empty", (await Assert.ThrowsAsync<InvalidDataException>(() => EmbeddingTable.LoadAsync(folder.File("a.npy"))))
            .Message, StringComparison.Ordinal);
        Assert.Contains("is no .npy array",
            (await Assert.ThrowsAsync<InvalidDataException>(() => EmbeddingTable.LoadAsync(folder.File("b.npy")))).Message,
            StringComparison.Ordinal);
        await Assert.ThrowsAsync<FileNotFoundException>(() => EmbeddingTable.LoadAsync(folder.File("c.npy")));
    }

    private static async Task WriteAsync(string path, string type, string fortran, string shape, byte[] data)
    {
        string header = $"{{'descr': '{type}', 'fortran_order': {fortran}, 'shape': {shape}, }}".PadRight(117) + "\n";
        byte[] start = [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8)];
        await File.WriteAllBytesAsync(path, [.. start, .. Encoding.ASCII.GetBytes(header), .. data]);
    }
}

namespace MiniOneRec.Abstractions.Tests;

public sealed class SemanticIdIndexTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task SaveAndLoad_SharedAndRaggedIds_AreEqual()
    {
        var index = Index(("x", "<a_1><b_2>"), ("y", "<a_1><b_2>"), ("z", "<a_0><b_3><c_1>"));
        string path = Path.Combine(_folder, "toy.index.json");

        await index.SaveAsync(path);
        var loaded = await SemanticIdIndex.LoadAsync(path);

        Assert.Equal(index.Items, loaded.Items);
        Assert.Equal(index.SemanticIds, loaded.SemanticIds);
        Assert.Equal(index.Fingerprint, loaded.Fingerprint);
        Assert.Equal([0, 1], loaded.RowsOf(SemanticId.Parse("<a_1><b_2>")));
        Assert.Equal((3, 2, 3), (loaded.Count, loaded.DistinctCount, loaded.Depth));
        Assert.Equal([2, 4, 2], loaded.LevelSizes);
    }

    [Fact]
    public async Task Load_RaggedDepthWhereOneDepthIsNeeded_NamesFileAndItem()
    {
        string path = await WriteAsync("""{"0": ["<a_1>", "<b_2>"], "7": ["<a_1>"]}""");

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => SemanticIdIndex.LoadAsync(path, requireUniformDepth: true));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("item '7'", error.Message, StringComparison.Ordinal);
        Assert.Contains("depth 1", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("{}", "holds no items")]
    [InlineData("[1]", "expected a JSON object")]
    [InlineData("""{"0": ["<b_1>"]}""", "item '0'")]
    [InlineData("""{"0": ["<a_1><b_2>"]}""", "item '0'")]
    [InlineData("""{"0": null}""", "item '0'")]
    [InlineData("""{"0": ["<a_1>"], "0": ["<a_2>"]}""", "uplicate")]
    public async Task Load_BadFile_NamesFileAndProblem(string content, string expected)
    {
        string path = await WriteAsync(content);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => SemanticIdIndex.LoadAsync(path));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_MissingFile_NamesIt()
    {
        var error =
            await Assert.ThrowsAsync<FileNotFoundException>(() => SemanticIdIndex.LoadAsync(Path.Combine(_folder, "none.index.json")));

        Assert.Contains("none.index.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Index_UnknownItem_NamesIt()
    {
        var error = Assert.Throws<KeyNotFoundException>(() => Index(("x", "<a_1>"))["nobody"]);

        Assert.Contains("'nobody'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_CodeOutsideLevelSizes_NamesItemAndCode()
    {
        var error = Assert.Throws<ArgumentException>(() => new SemanticIdIndex([new("x", new SemanticId(1, 9))], [4, 8]));

        Assert.Contains("'x'", error.Message, StringComparison.Ordinal);
        Assert.Contains("code 9 at level 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Save_Interrupted_LeavesTheEarlierFileWhole()
    {
        string path = Path.Combine(_folder, "kept.json");
        await AtomicFile.WriteAsync(path, stream => stream.WriteAsync("first"u8.ToArray()).AsTask());

        await Assert.ThrowsAsync<InvalidOperationException>(() => AtomicFile.WriteAsync(path, async stream =>
        {
            await stream.WriteAsync("second, half"u8.ToArray());
            throw new InvalidOperationException("killed");
        }));

        Assert.Equal("first", await File.ReadAllTextAsync(path));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task SaveFolder_Interrupted_LeavesTheEarlierFolderWhole()
    {
        string path = Path.Combine(_folder, "model");
        await AtomicFile.WriteFolderAsync(path, folder => File.WriteAllTextAsync(Path.Combine(folder, "weights"), "first"));

        await Assert.ThrowsAsync<InvalidOperationException>(() => AtomicFile.WriteFolderAsync(path, async folder =>
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "weights"), "second");
            throw new InvalidOperationException("killed");
        }));

        Assert.Equal("first", await File.ReadAllTextAsync(Path.Combine(path, "weights")));
        Assert.Single(Directory.GetDirectories(_folder));
    }

    private static SemanticIdIndex Index(params (string Item, string Id)[] entries) =>
        new(entries.Select(e => new KeyValuePair<string, SemanticId>(e.Item, SemanticId.Parse(e.Id))));

    private async Task<string> WriteAsync(string content)
    {
        string path = Path.Combine(_folder, "bad.index.json");
        await File.WriteAllTextAsync(path, content);
        return path;
    }

    [Theory]
    [InlineData("""{"a": ["<a_2147483647>"]}""", "Item 'a' has <a_2147483647>: code 2147483647 at level 0 is above 1048575")]
    [InlineData("""{"a": ["<a_1048576>"]}""", "code 1048576 at level 0 is above 1048575")]
    [InlineData("""{"a": ["<a_2147483648>"]}""", "item 'a': '<a_2147483648>' is no semantic ID")]
    [InlineData("""{"a": ["<a_1048575>", "<b_1>"]}""", "are 1048578 codes; expected at most 1048576 together")]
    [InlineData("""{"a": null}""", "item 'a': '' is no semantic ID")]
    [InlineData("""{"a": [null, "<a_1>"]}""", "item 'a': '<a_1>' is no semantic ID")]
    [InlineData("""{"a": [5]}""", "line 1: expected a JSON object")]
    [InlineData("""{"a": ["<a_1>"], "a": ["<a_2>"]}""", "line 1: expected a JSON object")]
    [InlineData("""{"a\ud83d": ["<a_1>"], "a\ud83e": ["<a_2>"]}""", "line 1: expected a JSON object")]
    [InlineData("""{"a": ["\ud83d"]}""", "item 'a'")]
    public async Task Load_WrongKindsAndSizes_AreRefused(string json, string expected)
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("minionerec-").FullName, "x.index.json");
        await File.WriteAllTextAsync(path, json);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => SemanticIdIndex.LoadAsync(path));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Fact]
    public async Task Load_BrokenId_IsReadWithTheReplacementCharacter()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("minionerec-").FullName, "x.index.json");
        await File.WriteAllBytesAsync(path, [0xEF, 0xBB, 0xBF, .. "{\"a\\ud83d\": [\"<a_1>\"], \"b"u8, 0xFF, .. "\": [\"<a_2>\"]}"u8]);

        var index = await SemanticIdIndex.LoadAsync(path);

        Assert.Equal(["a\uFFFD", "b\uFFFD"], index.Items);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_048_577)]
    [InlineData(int.MaxValue)]
    public void New_LevelSizeOutOfRange_IsRefused(int size)
    {
        Assert.Throws<ArgumentException>(() => new SemanticIdIndex([new("a", new SemanticId(0))], [4, size]));
    }
}

namespace MiniOneRec.Vectors.Tests;

public class ItemVectorsTests
{
    [Fact]
    public async Task SaveAsync_ThenLoadAsync_KeepsEveryBit()
    {
        using var folder = new TemporaryFolder();
        var vectors = new ItemVectors(Toy.Source("text", 7, 3, 1), Toy.Source("collaborative", 7, 2, 2, 1, 6));

        await vectors.SaveAsync(folder.File("vectors"));
        var loaded = await ItemVectors.LoadAsync(folder.File("vectors"));

        Assert.Equal(vectors.Fingerprint, loaded.Fingerprint);
        Assert.Equal(vectors.ItemIds, loaded.ItemIds);
        Assert.Equal(["text", "collaborative"], loaded.Sources.Select(source => source.Name));
        Assert.Equal(["item-1", "item-6"], loaded["collaborative"].MissingItems());
        Assert.Equal(vectors["text"].Values.ToArray(), loaded["text"].Values.ToArray());
        Assert.Equal(["collaborative.npy", "items.json", "manifest.json", "text.npy"],
            Directory.GetFiles(folder.File("vectors")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task LoadAsync_ChangedFile_IsNamed()
    {
        using var folder = new TemporaryFolder();
        await new ItemVectors(Toy.Source("text", 7, 3, 1)).SaveAsync(folder.Path, overwrite: true);
        byte[] bytes = await File.ReadAllBytesAsync(folder.File("text.npy"));
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(folder.File("text.npy"), bytes);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => ItemVectors.LoadAsync(folder.Path));

        Assert.Contains("text.npy", error.Message, StringComparison.Ordinal);
        File.Delete(folder.File("text.npy"));
        await Assert.ThrowsAsync<FileNotFoundException>(() => ItemVectors.LoadAsync(folder.Path));
    }

    [Theory]
    [InlineData("""{"items":["item-0","item-1"],"sources":[{"name":"text","width":4,"missing":[]}]}""", "says [2, 4]")]
    [InlineData("""{"items":["item-0","item-1"],"sources":[{"name":"text","width":3,"missing":[2]}]}""", "missing row 2 is not one of 2")]
    [InlineData("""{"items":["item-0","item-0"],"sources":[{"name":"text","width":3,"missing":[]}]}""", "Item 'item-0' has rows 0 and 1")]
    [InlineData("""{"items":["item-0","item-1"],"sources":[{"name":"../x","width":3,"missing":[]}]}""", "'../x' is no name of a source")]
    [InlineData("""{"items":["item-0","item-1"],"sources":[]}""", "must hold 'items' and 'sources'")]
    [InlineData("""{"items":["item-0","item-1"],"sources":[{"name":"text","width":"3"}]}""", "items.json")]
    public async Task LoadAsync_ContentThatDoesNotFit_SaysWhatIsWrong(string content, string part)
    {
        using var folder = new TemporaryFolder();
        await ArtifactFolder.SaveAsync(folder.Path, "manifest.json", ItemVectors.Kind, async aside =>
        {
            await NpyFile.WriteAsync(Path.Combine(aside, "text.npy"), 2, 3, new float[6], overwrite: false, default);
            await File.WriteAllTextAsync(Path.Combine(aside, "items.json"), content);
            return new ArtifactManifest { Kind = ItemVectors.Kind };
        });

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => ItemVectors.LoadAsync(folder.Path));

        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SaveAsync_FolderOfSomethingElse_IsLeftAlone()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("thesis.txt"), "years of work");

        await Assert.ThrowsAnyAsync<IOException>(() => new ItemVectors(Toy.Source("text", 2, 2, 1)).SaveAsync(folder.Path));

        Assert.Equal("years of work", await File.ReadAllTextAsync(folder.File("thesis.txt")));
    }

    [Fact]
    public void Indexer_UnknownName_ListsTheNames()
    {
        var vectors = new ItemVectors(Toy.Source("text", 2, 2, 1), Toy.Source("image", 2, 2, 1));

        var error = Assert.Throws<KeyNotFoundException>(() => vectors["sound"]);

        Assert.Contains("no source 'sound' of item vectors; there are 'text', 'image'", error.Message, StringComparison.Ordinal);
        Assert.Null(vectors.Find("sound"));
    }

    [Fact]
    public void Constructor_OtherOrderOrName_AlignsAndRefuses()
    {
        var image = new VectorSource("image", ["item-1", "item-0"], 1, [10, 20]);

        var vectors = new ItemVectors(Toy.Source("text", 3, 2, 1), image);

        Assert.Equal([20, 10, 0], vectors["image"].Values.ToArray());
        Assert.Throws<ArgumentException>(() => new ItemVectors(Toy.Source("text", 3, 2, 1), Toy.Source("text", 3, 2, 2)));
        Assert.Throws<ArgumentException>(() => new ItemVectors(Toy.Source("text", 3, 2, 1), new VectorSource("image", ["z"], 1, [1])));
        Assert.Throws<ArgumentException>(() => new ItemVectors());
    }

    [Fact]
    public void With_SameName_Replaces()
    {
        var vectors = new ItemVectors(Toy.Source("text", 3, 2, 1), Toy.Source("image", 3, 2, 2));

        var replaced = vectors.With(Toy.Source("text", 3, 5, 3));

        Assert.Equal([5, 2], replaced.Sources.Select(source => source.Width));
        Assert.NotEqual(vectors.Fingerprint, replaced.Fingerprint);
        Assert.Equal(3, vectors.With(Toy.Source("sound", 3, 1, 4)).Sources.Count);
    }

    [Fact]
    public void Combine_Weights_AreTheRootsOfTheSharesInTheSquaredDistance()
    {
        var vectors = new ItemVectors(Toy.Source("text", 60, 6, 1), Toy.Source("collaborative", 60, 3, 2, 7, 9));

        var both = vectors.Combine("both", new VectorPart("text", 1), new VectorPart("collaborative", 0.5f, Width: 2));

        double Mean(int from, int to, Func<int, bool> counts) => Enumerable.Range(0, 60).Where(counts)
            .Average(row => both[row][from..to].ToArray().Sum(value => (double)value * value));
        Assert.Equal(8, both.Width);
        Assert.True(both.IsComplete);
        Assert.Equal(1, Mean(0, 6, _ => true), 0.01);
        Assert.Equal(0.25, Mean(6, 8, row => row is not (7 or 9)), 0.01);
        Assert.Equal([0, 0], both[7][6..].ToArray());
    }

    [Fact]
    public void Combine_BadParts_AreRefused()
    {
        var vectors = new ItemVectors(Toy.Source("text", 5, 2, 1));

        Assert.Throws<ArgumentException>(() => vectors.Combine("both"));
        Assert.Throws<ArgumentException>(() => vectors.Combine("both", new VectorPart("text"), new VectorPart("text")));
        Assert.Throws<ArgumentException>(() => vectors.Combine("both", new VectorPart("text", 0)));
        Assert.Throws<KeyNotFoundException>(() => vectors.Combine("both", new VectorPart("image")));
    }
}

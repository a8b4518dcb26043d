namespace MiniOneRec.Tokenization.Tests;

public class PrecomputedEncoderTests
{
    [Fact]
    public async Task LoadAsync_NpyFile_TokenizesAsTheTableDoes()
    {
        using var folder = new TemporaryFolder();
        Item[] items = [.. Datasets.DemoCatalogue.Create().Items.Take(40)];
        var table = Toy.Clusters(40, 5, 8, 0.2, seed: 3);
        await table.SaveAsync(folder.File("items.npy"));
        using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [4, 40] });
        using var encoder = await PrecomputedEncoder.LoadAsync(folder.File("items.npy"), items);

        var index = await new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(items);

        var direct = await new SemanticIdTokenizer(encoder, quantizer).BuildAsync([.. items.Select(item => item.Id)], table);
        Assert.Equal(direct.Index.Fingerprint, index.Fingerprint);
    }

    [Fact]
    public async Task Encoder_UsedWrongly_SaysWhatIsWrong()
    {
        using var folder = new TemporaryFolder();
        var table = new EmbeddingTable(3, 1, [1, 2, 3]);
        await table.SaveAsync(folder.File("items.npy"));
        using var encoder = new PrecomputedEncoder(["a", "b", "a"], table);

        float[] first = (await encoder.GenerateAsync(["a"]))[0].Vector.ToArray();
        Assert.Equal([1f], first);
        Assert.Contains("'c'", (await Assert.ThrowsAsync<KeyNotFoundException>(() => encoder.GenerateAsync(["c"]))).Message,
            StringComparison.Ordinal);
        Assert.Contains("2 texts and 3 vectors", Assert.Throws<ArgumentException>(() => new PrecomputedEncoder(["a", "b"], table)).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "shape [3, 1]; expected [1, any]",
            (await Assert.ThrowsAsync<InvalidDataException>(() =>
            PrecomputedEncoder.LoadAsync(folder.File("items.npy"), [new Item { Id = "1", Title = "a" }]))).Message,
            StringComparison.Ordinal);
    }
}

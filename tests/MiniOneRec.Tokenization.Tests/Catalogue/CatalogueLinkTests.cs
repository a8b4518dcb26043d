namespace MiniOneRec.Tokenization.Tests;

public class CatalogueLinkTests
{
    [Fact]
    public async Task SaveAsync_ThroughALink_FindsTheChangeOfSomebodyElse()
    {
        using var folder = new TemporaryFolder();
        using var encoder = new TfIdfEncoder();
        using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [8, 8, 32] });
        var table = Toy.Clusters(102, 6, 12, 0.3, seed: 4);
        int[] first = [.. Enumerable.Range(0, 100)];
        var built = await new SemanticIdTokenizer(encoder, quantizer).BuildAsync([.. first.Select(i => $"i{i}")], table.Select(first));
        await built.SaveAsync(folder.File("real"));
        Directory.CreateSymbolicLink(folder.File("link"), folder.File("real"));
        var (mine, theirs) =
            (await SemanticIdCatalogue.LoadAsync(folder.File("real")), await SemanticIdCatalogue.LoadAsync(folder.File("real")));
        await theirs.AddItemsAsync(["theirs"], table.Select([100]));
        await theirs.SaveAsync(folder.File("real"));
        await mine.AddItemsAsync(["mine"], table.Select([101]));

        await Assert.ThrowsAsync<CatalogueConflictException>(() => mine.SaveAsync(folder.File("link")));

        Assert.True(await mine.IsChangedOnDiskAsync(folder.File("link")));
        Assert.True((await SemanticIdCatalogue.LoadAsync(folder.File("link"))).Index.TryGetRow("theirs", out _));
    }
}

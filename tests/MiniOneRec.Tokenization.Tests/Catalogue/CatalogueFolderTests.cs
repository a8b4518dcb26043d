namespace MiniOneRec.Tokenization.Tests;

/// <summary>Catalogues as folders.</summary>
public class CatalogueFolderTests
{
    [Fact]
    public async Task SaveAsync_AfterAdditionsAndRemovals_LoadsTheSame()
    {
        using var folder = new TemporaryFolder();
        var table = Toy.Clusters(90, 6, 12, 0.3, seed: 4);
        string[] ids = [.. Enumerable.Range(0, 90).Select(i => $"i{i}")];
        var options = Toy.RqVae(8, 8, 8);
        using var quantizer = new RqVaeQuantizer(options);
        using var encoder = new TfIdfEncoder();
        var catalogue = await new SemanticIdTokenizer(encoder, quantizer,
            new TokenizationOptions { Collisions = new() { Policy = CollisionPolicy.ExtraLevel }, Drift = new() { MinItems = 7 } })
            .BuildAsync(ids[..60], table.Select([.. Enumerable.Range(0, 60)]));
        await catalogue.AddItemsAsync(ids[60..75], table.Select([.. Enumerable.Range(60, 15)]));
        catalogue.RemoveItems(["i3", "i61"]);
        catalogue.RemoveItems(["i4"], freeSemanticIds: true);
        await catalogue.SaveAsync(folder.File("c"));
        await catalogue.SaveAsync(folder.File("c"));

        var loaded = await SemanticIdCatalogue.LoadAsync(folder.File("c"));
        using var owned = loaded.Quantizer;

        Assert.Equal(catalogue.Index.Fingerprint, loaded.Index.Fingerprint);
        Assert.Equal(catalogue.Archive.Fingerprint, loaded.Archive.Fingerprint);
        Assert.Equal(catalogue.Removed, loaded.Removed);
        Assert.Equal((catalogue.Drift.Added, catalogue.Drift.ErrorRatio), (loaded.Drift.Added, loaded.Drift.ErrorRatio));
        Assert.Equal((CollisionPolicy.ExtraLevel, 7), (loaded.Collisions.Policy, loaded.DriftOptions.MinItems));
        Assert.Null(loaded.Resolution);

        var rest = table.Select([.. Enumerable.Range(75, 15)]);
        var there = await catalogue.AddItemsAsync(ids[75..], rest);
        var here = await loaded.AddItemsAsync(ids[75..], rest);
        Assert.Equal(there.SemanticIds, here.SemanticIds);
        Assert.Equal(there.Displaced, here.Displaced);
        Assert.Equal(catalogue.Archive.Fingerprint, loaded.Archive.Fingerprint);
    }

    [Fact]
    public async Task LoadAsync_QuantizerOfTheCaller_IsLoadedByTheCaller()
    {
        using var folder = new TemporaryFolder();
        var catalogue = await GridQuantizer.CatalogueAsync();
        await catalogue.SaveAsync(folder.File("c"));

        var loaded = await SemanticIdCatalogue.LoadAsync(folder.File("c"), loadQuantizer: GridQuantizer.LoadAsync);

        Assert.Equal(catalogue.Index.Fingerprint, loaded.Index.Fingerprint);
        Assert.IsType<GridQuantizer>(loaded.Quantizer);
        Assert.False(File.Exists(folder.File("c/archive.json")));
        await Assert.ThrowsAsync<FileNotFoundException>(() => SemanticIdCatalogue.LoadAsync(folder.File("c")));
    }

    [Theory]
    [InlineData("quantizer/grid.txt", "2 7", "comes from another fit")]
    [InlineData("index.json", """{"a":["<a_1>","<b_2>"],"b":["<a_1>","<b_4>"],"c":["<a_0>","<b_2>"]}""", "is not the one that its manifest was written for")]
    [InlineData("index.json", """{"a":["<a_1>","<b_6>"],"b":["<a_1>","<b_3>"],"c":["<a_0>","<b_2>"]}""", "Item 'a' has <a_1><b_6>: code 6 at level 1 is outside the level sizes [2, 6]")]
    [InlineData("manifest.json", """{"formatVersion":1,"kind":"semantic-ids","options":{}}""", "lacks collisions, drift, levelSizes or statistics")]
    [InlineData("manifest.json", """{"formatVersion":1,"kind":"rq-vae"}""", "kind 'rq-vae'; expected 'semantic-ids'")]
    public async Task LoadAsync_ChangedFile_SaysWhichAndHow(string file, string content, string problem)
    {
        using var folder = new TemporaryFolder();
        await (await GridQuantizer.CatalogueAsync()).SaveAsync(folder.File("c"));
        await File.WriteAllTextAsync(folder.File(Path.Combine("c", file)), content);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
            SemanticIdCatalogue.LoadAsync(folder.File("c"), loadQuantizer: GridQuantizer.LoadAsync));

        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Contains(Path.Combine(folder.File("c"), file.Split('/')[0]), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_QuantizerOfAnotherFit_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var table = Toy.Clusters(60, 6, 10, 0.2, seed: 1);
        using var encoder = new TfIdfEncoder();
        foreach (int seed in (int[])[1, 2])
        {
            using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [8, 32] }, new MiniOneRecOptions { Seed = seed });
            var catalogue = await new SemanticIdTokenizer(encoder, quantizer)
                .BuildAsync([.. Enumerable.Range(0, 60).Select(i => $"{i}")], table);
            await catalogue.SaveAsync(folder.File($"c{seed}"));
        }

        // Manifest and codebooks of the other fit agree with each other, but not with the index.
        Directory.Delete(folder.File("c1/quantizer"), recursive: true);
        Directory.Move(folder.File("c2/quantizer"), folder.File("c1/quantizer"));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => SemanticIdCatalogue.LoadAsync(folder.File("c1")));
        Assert.Contains("another fit", error.Message, StringComparison.Ordinal);
    }
}

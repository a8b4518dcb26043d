namespace MiniOneRec.Tokenization.Tests;

public class SemanticIdCatalogueTests
{
    [Fact]
    public async Task AddItemsAsync_CodesTaken_DisplacesTheNewItemsOnly()
    {
        var catalogue = await GridQuantizer.CatalogueAsync();
        var before = catalogue.Index;

        var addition = await catalogue.AddItemsAsync(["d", "e"], new EmbeddingTable(2, 2, [1, 3.4f, 0, 5]));

        Assert.Equal(["a", "b", "c", "d", "e"], catalogue.Index.Items);
        Assert.All(before.Items, id => Assert.Equal(before[id], catalogue.Index[id]));
        Assert.Equal(["<a_1><b_4>", "<a_0><b_5>"], addition.SemanticIds.Select(id => id.ToString()));
        Assert.Equal(before.LevelSizes, catalogue.Index.LevelSizes);
        var displaced = Assert.Single(addition.Displaced);
        Assert.Equal(("d", new SemanticId(1, 3), new SemanticId(1, 4)), (displaced.ItemId, displaced.Nearest, displaced.Chosen));
        Assert.Equal(0.36 - 0.16, displaced.Excess, 1e-5);
        Assert.Equal((3, 2, 0.5), (addition.Drift.Fitted, addition.Drift.Added, addition.Drift.DisplacedShare));
    }

    [Fact]
    public async Task AddItemsAsync_ItemByItem_NeverMovesAnyone()
    {
        var table = Toy.Clusters(120, 6, 12, 0.3, seed: 4);
        using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [8, 8, 16] });
        string[] ids = [.. Enumerable.Range(0, 120).Select(i => $"i{i}")];
        using var encoder = new TfIdfEncoder();
        var catalogue = await new SemanticIdTokenizer(encoder, quantizer).BuildAsync(ids[..80], table.Select([.. Enumerable.Range(0, 80)]));
        var known = catalogue.Index.Items.ToDictionary(id => id, id => catalogue.Index[id]);
        for (int row = 80; row < 120; row++)
        {
            var addition = await catalogue.AddItemsAsync([ids[row]], table.Select([row]));

            Assert.DoesNotContain(addition.SemanticIds[0], known.Values);
            known[ids[row]] = addition.SemanticIds[0];
            Assert.All(addition.Displaced, item => Assert.True(item.Excess >= -1e-5));
        }

        Assert.Equal(120, catalogue.Index.DistinctCount);
        Assert.All(known, item => Assert.Equal(item.Value, catalogue.Index[item.Key]));
    }

    [Fact]
    public async Task RemoveItems_ThenAdd_LeavesTheSemanticIdToTheLogs()
    {
        var catalogue = await GridQuantizer.CatalogueAsync();

        catalogue.RemoveItems(["a"]);
        var addition = await catalogue.AddItemsAsync(["d"], new EmbeddingTable(1, 2, [1, 2]));

        Assert.Equal(["b", "c", "d"], catalogue.Index.Items);
        Assert.Equal(["a", "b", "c", "d"], catalogue.Archive.Items);
        Assert.Equal(["a"], catalogue.Removed);
        Assert.Equal(new SemanticId(1, 2), catalogue.Archive["a"]);
        Assert.Equal(new SemanticId(1, 1), addition.SemanticIds[0]);
    }

    [Fact]
    public async Task RemoveItems_Freed_GivesTheSemanticIdToTheNext()
    {
        var catalogue = await GridQuantizer.CatalogueAsync();

        catalogue.RemoveItems(["a"]);
        catalogue.RemoveItems(["a", "b"], freeSemanticIds: true);
        var addition = await catalogue.AddItemsAsync(["d"], new EmbeddingTable(1, 2, [1, 2]));

        Assert.Equal(["c", "d"], catalogue.Archive.Items);
        Assert.Empty(catalogue.Removed);
        Assert.Equal(new SemanticId(1, 2), addition.SemanticIds[0]);
    }

    [Fact]
    public async Task AddItemsAsync_RemovedItem_GetsBackWhatItHad()
    {
        var catalogue = await GridQuantizer.CatalogueAsync();
        catalogue.RemoveItems(["a", "c"]);

        var addition = await catalogue.AddItemsAsync(["d", "a"], new EmbeddingTable(2, 2, [0, 2, 0, 5]));

        Assert.Equal(["a"], addition.Restored);
        Assert.Equal([new SemanticId(0, 1), new SemanticId(1, 2)], addition.SemanticIds);
        Assert.Equal(["a", "b", "d"], catalogue.Index.Items);
        Assert.Equal(1, addition.Drift.Added);

        Assert.Equal(["c"], (await catalogue.AddItemsAsync(["c"], new EmbeddingTable(1, 2, [0, 0]))).Restored);
        Assert.Empty(catalogue.Removed);
    }

    [Fact]
    public async Task AddItemsAsync_ExtraLevel_GoesBelowTheItemThatIsThere()
    {
        var catalogue = await GridQuantizer.CatalogueAsync(new CollisionOptions { Policy = CollisionPolicy.ExtraLevel, ExtraLevelSize = 2 },
            fullPrefix: FullPrefixPolicy.Refuse);

        var addition = await catalogue.AddItemsAsync(["d", "e"], new EmbeddingTable(2, 2, [1, 2, 1, 2]));

        Assert.Equal(["<a_1><b_2>", "<a_1><b_2><c_0>", "<a_1><b_2><c_1>"],
            ((string[])["a", "d", "e"]).Select(id => catalogue.Index[id].ToString()));
        Assert.All(addition.Displaced, item => Assert.Equal(0, item.Excess));
        var error =
            await Assert.ThrowsAsync<InvalidOperationException>(() => catalogue.AddItemsAsync(["f"], new EmbeddingTable(1, 2, [1, 2])));
        Assert.Contains("ExtraLevelSize", error.Message, StringComparison.Ordinal);
        Assert.Equal(5, catalogue.Index.Count);
    }

    [Fact]
    public async Task AddItemsAsync_FullPrefixRefused_NamesThePolicyAndChangesNothing()
    {
        var catalogue = await GridQuantizer.CatalogueAsync(fullPrefix: FullPrefixPolicy.Refuse);
        var before = catalogue.Index;

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            catalogue.AddItemsAsync(["d", "e", "f", "g", "h"], new EmbeddingTable(5, 2, [1, 2, 1, 2, 1, 2, 1, 2, 1, 2])));

        Assert.Contains("CollisionPolicy.ExtraLevel", error.Message, StringComparison.Ordinal);
        Assert.Matches("Item '[d-h]' finds no free code under the prefix of its nearest codes <a_1><b_2>", error.Message);
        Assert.Contains("None of the 5 items of the batch was added", error.Message, StringComparison.Ordinal);
        Assert.Same(before, catalogue.Index);
        Assert.Equal(0, catalogue.Drift.Added);
    }

    [Fact]
    public async Task Catalogue_BadInput_NamesTheItem()
    {
        var catalogue = await GridQuantizer.CatalogueAsync();
        var one = new EmbeddingTable(1, 2, [0, 0]);

        Assert.Contains("'b'", (await Assert.ThrowsAsync<ArgumentException>(() => catalogue.AddItemsAsync(["b"], one))).Message,
            StringComparison.Ordinal);
        Assert.Contains("'d' comes twice",
            (await Assert.ThrowsAsync<ArgumentException>(() => catalogue.AddItemsAsync(["d", "d"], new EmbeddingTable(2, 2, new float[4]))))
            .Message, StringComparison.Ordinal);
        Assert.Contains("2 items and 1 vectors",
            (await Assert.ThrowsAsync<ArgumentException>(() => catalogue.AddItemsAsync(["d", "e"], one))).Message,
            StringComparison.Ordinal);
        Assert.Contains("width 3",
            (await Assert.ThrowsAsync<ArgumentException>(() => catalogue.AddItemsAsync(["d"], new EmbeddingTable(1, 3, new float[3]))))
            .Message, StringComparison.Ordinal);
        Assert.Contains("'x'", Assert.Throws<KeyNotFoundException>(() => catalogue.RemoveItems(["a", "x"])).Message,
            StringComparison.Ordinal);
        Assert.Contains("at least one item", Assert.Throws<ArgumentException>(() => catalogue.RemoveItems(["a", "b", "c"])).Message,
            StringComparison.Ordinal);
        Assert.Equal(3, catalogue.Index.Count);
        catalogue.RemoveItems(["a"]);
        Assert.Contains("removed before", Assert.Throws<KeyNotFoundException>(() => catalogue.RemoveItems(["a"])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddItemsAsync_Cancelled_ChangesNothing()
    {
        var catalogue = await GridQuantizer.CatalogueAsync();
        using var cancellation = new CancellationTokenSource();
        var steps = new List<long>();
        var progress = new Reporter(report =>
        {
            steps.Add(report.Step);
            if (report.Step == 2)
            {
                cancellation.Cancel();
            }
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            catalogue.AddItemsAsync(["d"], new EmbeddingTable(1, 2, [0, 0]), progress, cancellation.Token));

        Assert.Equal([1, 2], steps);
        Assert.Equal(3, catalogue.Archive.Count);
    }

    [Fact]
    public async Task Drift_ItemsFromElsewhere_ArguesForARefit()
    {
        var table = Toy.Clusters(200, 8, 20, 0.2, seed: 3);
        string[] ids = [.. Enumerable.Range(0, 260).Select(i => $"i{i}")];
        using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [8, 8, 64] });
        using var encoder = new TfIdfEncoder();
        var catalogue = await new SemanticIdTokenizer(encoder, quantizer,
            new TokenizationOptions { Drift = new() { MinItems = 20, MaxErrorRatio = 4, MaxDisplacedShare = 1 } })
            .BuildAsync(ids[..180], table.Select([.. Enumerable.Range(0, 180)]));
        Assert.False(catalogue.Drift.ArguesForRefit);
        Assert.True(double.IsNaN(catalogue.Drift.ErrorRatio));

        var alike = await catalogue.AddItemsAsync(ids[180..200], table.Select([.. Enumerable.Range(180, 20)]));
        Assert.False(alike.Drift.ArguesForRefit, string.Join(' ', alike.Drift.Reasons));

        var elsewhere = await catalogue.AddItemsAsync(ids[200..260], Toy.Clusters(60, 8, 20, 0.2, seed: 77));
        Assert.True(elsewhere.Drift.ArguesForRefit);
        Assert.Contains("times worse than the 180 fitted ones; the limit is 4", elsewhere.Drift.Reasons[0], StringComparison.Ordinal);
        Assert.Equal(80, catalogue.Drift.Added);
    }

    [Fact]
    public void Judge_EachLimit_HasItsReason()
    {
        var options = new DriftOptions { MinItems = 10, MaxErrorRatio = 2, MaxDisplacedShare = 0.25, MaxGrowth = 0.5 };
        var fitted = new DriftStatistics(100, 0.5);

        Assert.Empty(fitted.With(9, 50, 9).Judge(options).Reasons);
        Assert.Empty(fitted.With(40, 1, 10).Judge(options).Reasons);
        Assert.Contains("2.20 times worse", Assert.Single(fitted.With(40, 1.1, 10).Judge(options).Reasons), StringComparison.Ordinal);
        Assert.Contains("28 % of the 40 added items", Assert.Single(fitted.With(40, 1, 11).Judge(options).Reasons),
            StringComparison.Ordinal);
        Assert.Contains("a share of 0.60; the limit is 0.5", Assert.Single(fitted.With(30, 1, 0).With(30, 1, 0).Judge(options).Reasons),
            StringComparison.Ordinal);
        Assert.Equal(1.5, fitted.With(10, 0.5, 0).With(30, 0.8333333, 0).Judge(options).ErrorRatio, 1e-5);
    }

    [Fact]
    public async Task AddItemsAsync_ByText_UsesTheFittedEncoderAndRefusesAnotherOne()
    {
        Item[] items = [.. Datasets.DemoCatalogue.Create().Items.Take(80)];
        using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [8, 8, 16] });
        using var encoder = new TfIdfEncoder(new TfIdfOptions { Width = 16 });
        var tokenizer = new SemanticIdTokenizer(encoder, quantizer);
        var catalogue = await tokenizer.BuildAsync(items[..60]);

        var addition = await tokenizer.AddItemsAsync(catalogue, items[60..]);

        var vectors = await tokenizer.EncodeTextAsync(items[60..]);
        var nearest = quantizer.Encode(vectors);
        Assert.Equal(80, catalogue.Index.Count);
        Assert.All(Enumerable.Range(0, 20),
            row => Assert.Equal(nearest[row][..2].ToArray(), addition.SemanticIds[row].Codes[..2].ToArray()));

        using var another = new TfIdfEncoder();
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            new SemanticIdTokenizer(another, quantizer).AddItemsAsync(catalogue, items));
        Assert.Contains("load the one that the catalogue was built with", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddItemsAsync_SinkhornAssignment_EncodesItemsApart()
    {
        var table = Toy.Clusters(60, 6, 10, 0.2, seed: 1);
        var options = Toy.RqVae(8, 8, 8);
        options.SinkhornEpsilons = [0, 0, 0.05];
        options.SinkhornUse = SinkhornUse.Both;
        using var quantizer = new RqVaeQuantizer(options);
        using var encoder = new TfIdfEncoder();
        var catalogue = await new SemanticIdTokenizer(encoder, quantizer,
            new TokenizationOptions { Collisions = new() { Policy = CollisionPolicy.Keep } })
            .BuildAsync([.. Enumerable.Range(0, 50).Select(i => $"{i}")], table.Select([.. Enumerable.Range(0, 50)]));

        var together = await catalogue.AddItemsAsync(["x", "y", "z"], table.Select([50, 51, 52]));
        var alone = await catalogue.AddItemsAsync(["w"], table.Select([51]));

        Assert.Equal(together.SemanticIds[1], alone.SemanticIds[0]);
        float[] distances = quantizer.Distances(table.Select([51]), new CodeTable(1, 3, [.. alone.SemanticIds[0].Codes]), 2);
        Assert.Equal(distances.Min(), distances[alone.SemanticIds[0][2]]);
    }

    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}

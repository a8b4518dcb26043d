namespace MiniOneRec.Tokenization.Tests;

public class CatalogueFullPrefixTests
{
    private static async Task<SemanticIdCatalogue> BuildAsync(int[] sizes, TokenizationOptions options, params float[] vectors)
    {
        using var encoder = new TfIdfEncoder();
        int count = vectors.Length / sizes.Length;
        return await new SemanticIdTokenizer(encoder, new GridQuantizer(sizes), options)
            .BuildAsync([.. Enumerable.Range(0, count).Select(i => $"old{i}")], new EmbeddingTable(count, sizes.Length, vectors));
    }

    [Fact]
    public async Task AddItemsAsync_PrefixFull_TakesTheNearestFreeCodeOfTheNearestPrefixAndSaysSo()
    {
        var catalogue = await BuildAsync([3, 2], new(), 0, 0, 0, 1, 2, 0);

        var addition = await catalogue.AddItemsAsync(["x", "y", "z"], new EmbeddingTable(3, 2, [0, 1, 0, 0, 2, 1]));

        Assert.Equal(["x", "y", "z"], addition.Items);
        Assert.Equal(["<a_1><b_1>", "<a_1><b_0>", "<a_2><b_1>"], addition.SemanticIds.Select(id => id.ToString()));
        Assert.Equal(["x", "y"], addition.Displaced.Select(item => item.ItemId));
        Assert.All(addition.Displaced, item => Assert.Equal(ItemPlacement.OtherPrefix, item.Placement));
        Assert.Equal([new SemanticId(0, 1), new SemanticId(0, 0)], addition.Displaced.Select(item => item.Nearest));
        Assert.Equal(6, catalogue.Index.DistinctCount);
        Assert.Equal(2.0 / 3, addition.Drift.DisplacedShare, 1e-9);
    }

    [Fact]
    public async Task AddItemsAsync_ThreeLevels_KeepsAsMuchOfThePrefixAsHasRoom()
    {
        // <a_0><b_0> is full, <a_0><b_1> is not; then all of <a_0> is full.
        var catalogue = await BuildAsync([2, 2, 2], new(), 0, 0, 0, 0, 0, 1, 0, 1, 0);

        var first = await catalogue.AddItemsAsync(["x"], new EmbeddingTable(1, 3, [0, 0, 0]));
        var second = await catalogue.AddItemsAsync(["y"], new EmbeddingTable(1, 3, [0, 0, 1]));

        Assert.Equal("<a_0><b_1><c_1>", first.SemanticIds[0].ToString());
        Assert.Equal("<a_1><b_0><c_1>", second.SemanticIds[0].ToString());
    }

    [Fact]
    public async Task AddItemsAsync_EverythingFull_NamesItemPrefixAndRemedyAndAddsNothing()
    {
        var catalogue = await BuildAsync([2, 2], new(), 0, 0, 0, 1, 1, 0);
        catalogue.RemoveItems(["old1"]);
        var before = catalogue.Archive;

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            catalogue.AddItemsAsync(["x", "y"], new EmbeddingTable(2, 2, [1, 1, 1, 0])));

        Assert.Contains("Item 'y' finds no free code under the prefix of its nearest codes <a_1><b_0>", error.Message,
            StringComparison.Ordinal);
        Assert.Contains("all 4 codes of the levels [2, 2] are taken, 1 of them by removed items", error.Message, StringComparison.Ordinal);
        Assert.Contains("freeSemanticIds", error.Message, StringComparison.Ordinal);
        Assert.Contains("None of the 2 items", error.Message, StringComparison.Ordinal);
        Assert.Same(before, catalogue.Archive);

        catalogue.RemoveItems(["old1"], freeSemanticIds: true);
        Assert.Equal("<a_0><b_1>",
            (await catalogue.AddItemsAsync(["x", "y"], new EmbeddingTable(2, 2, [1, 1, 1, 0]))).SemanticIds[1].ToString());
    }

    [Fact]
    public async Task AddItemsAsync_ReservedExtraLevel_PrefersALongerCodeWithinTheFrozenVocabulary()
    {
        var catalogue = await BuildAsync([2, 1], new() { Growth = new() { ReservedExtraLevel = 2 } }, 0, 0);
        Assert.Equal([2, 1, 2], catalogue.Index.LevelSizes);
        Assert.Equal(2, catalogue.Index["old0"].Depth);

        var addition = await catalogue.AddItemsAsync(["x", "y", "z"], new EmbeddingTable(3, 2, [0, 0, 0, 0, 0, 0]));

        Assert.Equal(["<a_0><b_0><c_0>", "<a_0><b_0><c_1>", "<a_1><b_0>"], addition.SemanticIds.Select(id => id.ToString()));
        Assert.Equal([ItemPlacement.ExtraLevel, ItemPlacement.ExtraLevel, ItemPlacement.OtherPrefix],
            addition.Displaced.Select(item => item.Placement));
        Assert.Equal([2, 1, 2], catalogue.Index.LevelSizes);
        Assert.Equal(4, catalogue.Index.DistinctCount);
    }

    [Fact]
    public async Task AddItemsAsync_ExtraLevelOutgrown_GoesToTheNearestCodeWithRoom()
    {
        var options = new TokenizationOptions { Collisions = new() { Policy = CollisionPolicy.ExtraLevel, ExtraLevelSize = 2 } };
        var catalogue = await BuildAsync([2, 2], options, 0, 0);

        var addition = await catalogue.AddItemsAsync(["w", "x", "y", "z"], new EmbeddingTable(4, 2, new float[8]));

        Assert.Equal(["<a_0><b_0><c_0>", "<a_0><b_0><c_1>", "<a_0><b_1>", "<a_0><b_1><c_0>"],
            addition.SemanticIds.Select(id => id.ToString()));
        Assert.Equal(ItemPlacement.Sibling, addition.Displaced[2].Placement);
        Assert.Equal(5, catalogue.Index.DistinctCount);
    }

    [Theory]
    [InlineData(CollisionPolicy.NearestFreeSibling)]
    [InlineData(CollisionPolicy.Sinkhorn)]
    [InlineData(CollisionPolicy.ExtraLevel)]
    public async Task AddItemsAsync_UntilNothingIsLeft_NeverGivesASemanticIdTwice(CollisionPolicy policy)
    {
        var table = Toy.Clusters(200, 6, 5, 0.3, seed: 4);
        using var quantizer = new RqKMeansQuantizer(new() { CodebookSizes = [4, 4, 4] });
        using var encoder = new TfIdfEncoder();
        string[] ids = [.. Enumerable.Range(0, 200).Select(i => $"i{i:D3}")];
        var options = new TokenizationOptions { Collisions = new() { Policy = policy, ExtraLevelSize = 2 } };
        int start = policy == CollisionPolicy.ExtraLevel ? 60 : 20, room = policy == CollisionPolicy.ExtraLevel ? 128 : 64;
        var catalogue = await new SemanticIdTokenizer(encoder, quantizer, options)
            .BuildAsync(ids[..start], table.Select([.. Enumerable.Range(0, start)]));
        int[] sizes = [.. catalogue.Index.LevelSizes];
        room = Math.Max(room, catalogue.Index.Count);
        int added = start;
        InvalidOperationException? full = null;
        while (full is null && added < 200)
        {
            int count = Math.Min(7, 200 - added);
            try
            {
                await catalogue.AddItemsAsync(ids[added..(added + count)], table.Select([.. Enumerable.Range(added, count)]));
                added += count;
            }
            catch (InvalidOperationException e)
            {
                full = e;
            }
        }

        Assert.Equal(added, catalogue.Index.DistinctCount);
        Assert.Equal(sizes, catalogue.Index.LevelSizes);
        Assert.True(added >= room - 6 || full is null, $"{added} of {room} were added: {full?.Message}");
    }
}

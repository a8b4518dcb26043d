using MiniOneRec.Vectors;

namespace MiniOneRec.Tokenization.Tests;

public class SemanticIdTokenizerVectorsTests
{
    [Fact]
    public async Task BuildAsync_LogsOfBareIds_GiveItemsSeenTogetherCommonCodes()
    {
        // Four groups of six items; a user stays in one group.
        var random = new Random(1);
        UserSequence[] log = [.. Enumerable.Range(0, 160).Select(user => new UserSequence(
            $"u{user}", [.. Enumerable.Range(0, 5).Select(_ => $"g{user % 4}-{random.Next(6)}")]))];
        var vectors = await CollaborativeVectors.BuildAsync(log, options: new() { Width = 8 });
        using var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [4, 8] });

        var catalogue = await new SemanticIdTokenizer(quantizer).BuildAsync(vectors);

        Assert.Equal(24, catalogue.Index.DistinctCount);
        Assert.All(
            vectors.ItemIds.GroupBy(id => id[..2]),
            group => Assert.Single(group.Select(id => catalogue.Index[id][0]).Distinct()));
        Assert.Equal(catalogue.Index.SemanticIds, (await new SemanticIdTokenizer(quantizer).AssignAsync(vectors)).Index.SemanticIds);
    }

    [Fact]
    public async Task BuildAsync_MissingVectors_NamesThemAndTakesFilledOnes()
    {
        var table = Toy.Clusters(20, 3, 4, 0.5, seed: 1);
        string[] ids = [.. Enumerable.Range(0, 20).Select(i => $"item-{i}")];
        var vectors = new VectorSource("text", ids, 3, table.Values.ToArray(), [.. Enumerable.Range(0, 20).Select(i => i != 7)]);
        using var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [4, 20] });
        var tokenizer = new SemanticIdTokenizer(quantizer);

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => tokenizer.BuildAsync(vectors));

        Assert.Contains("no vector for 1 of 20 items ('item-7')", error.Message, StringComparison.Ordinal);
        Assert.Equal(20, (await tokenizer.BuildAsync(vectors.FillMissing())).Index.Count);
    }

    [Fact]
    public async Task TokenizeAsync_WithoutAnEncoder_SaysWhatToDo()
    {
        using var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [2, 2] });

        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => new SemanticIdTokenizer(quantizer).TokenizeAsync([new Item { Id = "a", Title = "red" }]));

        Assert.Contains("no text encoder", error.Message, StringComparison.Ordinal);
    }
}

using MiniOneRec.Datasets;

namespace MiniOneRec.Tokenization.Tests;

public class UnknownTextTests
{
    private static readonly Item[] Known = [.. DemoCatalogue.Create().Items.Take(66)];

    private static readonly Item Foreign = new() { Id = "foreign", Title = "Zyxqv Wvutsr", Description = "Qqqq rrrr ssss" };
    private static readonly Item Silent = new() { Id = "silent", Title = "", Description = " <b></b> " };
    private static readonly Item Symbols = new() { Id = "symbols", Title = "★ ★ ★" };

    private static async Task<(SemanticIdTokenizer Tokenizer, SemanticIdCatalogue Catalogue)> BuildAsync(UnknownTextPolicy policy,
        params Item[] more)
    {
        var tokenizer = new SemanticIdTokenizer(
            new TfIdfEncoder(new TfIdfOptions { Width = 16 }),
            new RqKMeansQuantizer(new() { CodebookSizes = [8, 8, 16] }),
            new TokenizationOptions { Growth = new() { UnknownText = policy } });
        return (tokenizer, await tokenizer.BuildAsync([.. Known[..60], .. more]));
    }

    [Fact]
    public async Task AddItemsAsync_LeaveOut_ReportsAndAddsTheOthers()
    {
        var (tokenizer, catalogue) = await BuildAsync(UnknownTextPolicy.LeaveOut);

        var addition = await tokenizer.AddItemsAsync(catalogue, [Known[60], Foreign, Silent, Known[61], Symbols]);

        Assert.Equal([Known[60].Id, Known[61].Id], addition.Items);
        Assert.Equal([catalogue.Index[Known[60].Id], catalogue.Index[Known[61].Id]], addition.SemanticIds);
        Assert.Equal(
            [new UnknownText("foreign", UnknownTextReason.NoKnownTerm, null), new("silent", UnknownTextReason.NoText, null),
            new("symbols", UnknownTextReason.NoKnownTerm, null)],
            addition.UnknownTexts);
        Assert.Equal(62, catalogue.Archive.Count);
        Assert.Equal(2, addition.Drift.Added);
    }

    [Fact]
    public async Task AddItemsAsync_OnlyUnknown_AddsNothingAndSaysSo()
    {
        var (tokenizer, catalogue) = await BuildAsync(UnknownTextPolicy.LeaveOut);

        var addition = await tokenizer.AddItemsAsync(catalogue, [Foreign]);

        Assert.Empty(addition.Items);
        Assert.Empty(addition.SemanticIds);
        Assert.Equal("foreign", Assert.Single(addition.UnknownTexts).ItemId);
        Assert.Equal(60, catalogue.Index.Count);
    }

    [Fact]
    public async Task AddItemsAsync_Refuse_NamesTheItemsAndAddsNone()
    {
        var (tokenizer, catalogue) = await BuildAsync(UnknownTextPolicy.Refuse);

        var error = await Assert.ThrowsAsync<ArgumentException>(() => tokenizer.AddItemsAsync(catalogue, [Known[60], Foreign, Silent]));

        Assert.Contains("Nothing is known about the text of 2 of 3 items: 'foreign', 'silent'. None of the batch was added.",
            error.Message, StringComparison.Ordinal);
        Assert.Contains("GrowthOptions.UnknownText", error.Message, StringComparison.Ordinal);
        Assert.Equal(60, catalogue.Index.Count);
    }

    [Fact]
    public async Task AddItemsAsync_Place_GivesAllOfThemOneNeighbourhoodAndReports()
    {
        var (tokenizer, catalogue) = await BuildAsync(UnknownTextPolicy.Place);

        var addition = await tokenizer.AddItemsAsync(catalogue, [Foreign, Silent, Symbols]);

        Assert.Equal(["foreign", "silent", "symbols"], addition.Items);
        Assert.All(addition.UnknownTexts, item => Assert.Equal(catalogue.Index[item.ItemId], item.SemanticId));
        Assert.Single(addition.SemanticIds.Select(id => (id[0], id[1])).Distinct());
        Assert.Equal(63, catalogue.Index.DistinctCount);
    }

    [Theory]
    [InlineData(UnknownTextPolicy.LeaveOut)]
    [InlineData(UnknownTextPolicy.Refuse)]
    public async Task AddItemsAsync_RemovedItemWithoutText_GetsBackWhatItHad(UnknownTextPolicy policy)
    {
        var (tokenizer, catalogue) = await BuildAsync(policy);
        var had = catalogue.Index[Known[3].Id];
        catalogue.RemoveItems([Known[3].Id]);

        var addition = await tokenizer.AddItemsAsync(catalogue, [new Item { Id = Known[3].Id, Title = "" }]);

        Assert.Equal([Known[3].Id], addition.Restored);
        Assert.Equal([had], addition.SemanticIds);
        Assert.Empty(addition.UnknownTexts);
    }

    [Fact]
    public async Task AddItemsAsync_ZeroVectorOfTheCaller_IsPlacedAndReported()
    {
        var (_, catalogue) = await BuildAsync(UnknownTextPolicy.LeaveOut);

        var addition = await catalogue.AddItemsAsync(["x"], new EmbeddingTable(1, 16, new float[16]));

        Assert.Equal([new UnknownText("x", UnknownTextReason.NoKnownTerm, catalogue.Index["x"])], addition.UnknownTexts);
    }

    [Fact]
    public async Task BuildAsync_ItemsWithoutKnownText_AreReportedByTheCatalogue()
    {
        var (_, catalogue) = await BuildAsync(UnknownTextPolicy.LeaveOut, Foreign, Silent);

        Assert.Equal(62, catalogue.Index.Count);
        Assert.Equal([("foreign", UnknownTextReason.NoKnownTerm), ("silent", UnknownTextReason.NoText)],
            catalogue.UnknownTexts.Select(item => (item.ItemId, item.Reason)));
        Assert.All(catalogue.UnknownTexts, item => Assert.Equal(catalogue.Index[item.ItemId], item.SemanticId));
        Assert.Empty((await BuildAsync(UnknownTextPolicy.LeaveOut)).Catalogue.UnknownTexts);
    }

    [Fact]
    public async Task EncoderOfAnotherKind_EmptyText_IsUnknownToo()
    {
        var tokenizer = new SemanticIdTokenizer(new CountingEncoder(), new RqKMeansQuantizer(new() { CodebookSizes = [4, 16] }));
        var catalogue = await tokenizer.BuildAsync(Known[..40]);

        var addition = await tokenizer.AddItemsAsync(catalogue, [Known[41], Silent]);

        Assert.Equal([Known[41].Id], addition.Items);
        Assert.Equal(UnknownTextReason.NoText, Assert.Single(addition.UnknownTexts).Reason);
    }
}

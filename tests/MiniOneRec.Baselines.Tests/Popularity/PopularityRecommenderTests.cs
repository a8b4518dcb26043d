namespace MiniOneRec.Baselines.Tests;

public sealed class PopularityRecommenderTests
{
    private readonly PopularityRecommender _recommender = new(Toy.Users("a b c", "c b", "c"), ["d", "a", "b", "c", "e"]);

    [Fact]
    public async Task Recommend_AnyHistory_OrdersByCountThenCatalogue()
    {
        Assert.Equal("popularity", _recommender.Name);
        Assert.Equal(["c", "b", "a", "d", "e"], await Toy.TopAsync(_recommender, "e", 5));
    }

    [Fact]
    public async Task Recommend_Exclusions_AreHonoured()
    {
        var result = await _recommender.RecommendAsync(new RecommendationRequest
        {
            History = ["c", "unknown", "also unknown"],
            Count = 4,
            ExcludedItems = new HashSet<string> { "c", "not there" },
            CandidateFilter = item => item != "d",
        });

        Assert.Equal(["b", "a", "e"], result.Items.Select(item => item.ItemId));
        Assert.Equal(1, result.Shortfall);
        Assert.Equal(2, result.SkippedHistoryItems);
        Assert.Equal(2, result.Items[0].Score);
    }

    [Fact]
    public async Task Recommend_NoRequests_GivesNoResults() => Assert.Empty(await _recommender.RecommendAsync([]));

    [Fact]
    public async Task Recommend_CountBelowOne_NamesTheRequest()
    {
        var good = new RecommendationRequest { History = [] };

        var error = await Assert.ThrowsAsync<ArgumentException>(() => _recommender.RecommendAsync([good, good with { Count = 0 }]));

        Assert.StartsWith("Request 1 asks for 0 items; expected at least 1.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recommend_Nulls_NameTheRequest()
    {
        var good = new RecommendationRequest { History = [] };

        var item =
            await Assert.ThrowsAsync<ArgumentException>(() => _recommender.RecommendAsync([good, good with { History = ["a", null!] }]));
        var history = await Assert.ThrowsAsync<ArgumentNullException>(() => _recommender.RecommendAsync([good with { History = null! }]));
        var request = await Assert.ThrowsAsync<ArgumentNullException>(() => _recommender.RecommendAsync([good, null!]));

        Assert.StartsWith("The history of request 1 holds null at position 1", item.Message, StringComparison.Ordinal);
        Assert.StartsWith("The history of request 0 is null", history.Message, StringComparison.Ordinal);
        Assert.StartsWith("Request 1 is null", request.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recommend_ExcludeHistory_LeavesItOut()
    {
        var result =
            await _recommender.RecommendAsync(new RecommendationRequest { History = ["c", "unknown"], Count = 5, ExcludeHistory = true });

        Assert.Equal(["b", "a", "d", "e"], result.Items.Select(item => item.ItemId));
        Assert.Equal(1, result.Shortfall);
    }

    [Fact]
    public async Task Recommend_Cancelled_Throws() => await Assert.ThrowsAnyAsync<OperationCanceledException>(
        () => _recommender.RecommendAsync([new RecommendationRequest { History = [] }], new CancellationToken(canceled: true)));

    [Fact]
    public void Score_WrongLength_SaysWhatWasExpected()
    {
        var error = Assert.Throws<ArgumentException>(() => _recommender.Score([["a"], []], new float[9]));

        Assert.StartsWith("2 histories over 5 items need 10 scores, not 9.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Counts_EveryOccurrence_Counts() => Assert.Equal(
        new Dictionary<string, double> { ["d"] = 0, ["a"] = 1, ["b"] = 2, ["c"] = 3, ["e"] = 0 }, _recommender.Counts);
}

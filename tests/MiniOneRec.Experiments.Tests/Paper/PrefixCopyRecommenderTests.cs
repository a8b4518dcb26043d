namespace MiniOneRec.Experiments.Tests.Paper;

public sealed class PrefixCopyRecommenderTests
{
    private static readonly PrefixCopyRecommender Recommender = new(new SemanticIdIndex(
    [
        KeyValuePair.Create("same", new SemanticId(0, 0, 0)), KeyValuePair.Create("near", new SemanticId(0, 0, 1)),
        KeyValuePair.Create("far", new SemanticId(0, 1, 0)), KeyValuePair.Create("other", new SemanticId(1, 0, 0)),
        KeyValuePair.Create("kin", new SemanticId(1, 0, 1)),
    ]));

    [Fact]
    public async Task Recommend_LastItem_DeeperSharedPrefixesFirst()
    {
        var answer = await Recommender.RecommendAsync(
            new RecommendationRequest { History = ["unknown", "same"], Count = 3, CandidateFilter = item => item != "same" });

        Assert.Equal(["near", "far", "other"], answer.Items.Select(item => item.ItemId));
        Assert.Equal([2, 1, 0], answer.Items.Select(item => item.Score));
        Assert.Equal(1, answer.SkippedHistoryItems);
    }

    [Fact]
    public async Task Recommend_EarlierItems_CountHalf()
    {
        var answer = await Recommender.RecommendAsync(new RecommendationRequest { History = ["same", "other"], Count = 5 });

        Assert.Equal(["other", "kin", "same", "near", "far"], answer.Items.Select(item => item.ItemId));
        Assert.Equal([3, 2, 1.5, 1, 0.5], answer.Items.Select(item => item.Score));
    }
}

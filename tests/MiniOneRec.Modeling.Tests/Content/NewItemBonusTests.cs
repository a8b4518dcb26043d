namespace MiniOneRec.Modeling.Tests;

public sealed class NewItemBonusTests
{
    [Theory]
    [InlineData(SourceFusion.Linear, 0.6)]
    [InlineData(SourceFusion.Geometric, 0.6)]
    [InlineData(SourceFusion.Linear, 0)]
    public void Recommend_Bonus_MultipliesWhatTrainingDoesNotHold(SourceFusion fusion, double dense)
    {
        using var recommender = Recommender(ContentToy.Counts, fusion, dense);
        var before = Scores(recommender);
        recommender.NewItemBonus = 1.5;

        var after = Scores(recommender);

        Assert.Equal(8, after.Count);
        Assert.All(after, pair => Assert.Equal(
            before[pair.Key] + (ContentToy.Counts.ContainsKey(pair.Key) ? 0 : 1.5), pair.Value, 1e-5));
    }

    [Fact]
    public void Recommend_CountsNotKnown_NoItemIsNew()
    {
        using var recommender = Recommender(null, SourceFusion.Linear, 0.6);
        var before = Scores(recommender);
        recommender.NewItemBonus = 1.5;

        Assert.Equal(before, Scores(recommender));
    }

    [Fact]
    public void Recommend_NarrowBeam_FollowsTheBonus()
    {
        using var recommender = Recommender(ContentToy.Counts, SourceFusion.Linear, 1, beams: 1);
        recommender.NewItemBonus = 10;

        var found = recommender.Recommend([new RecommendationRequest { History = ["a"], Count = 1 }])[0].Items[0].ItemId;

        recommender.NewItemBonus = 0;
        Assert.False(ContentToy.Counts.ContainsKey(found));
        Assert.True(ContentToy.Counts.ContainsKey(
            recommender.Recommend([new RecommendationRequest { History = ["a"], Count = 1 }])[0].Items[0].ItemId));
    }

    [Fact]
    public async Task Save_Load_KeepsTheBonus()
    {
        using var folder = new TemporaryFolder();
        using var recommender = Recommender(ContentToy.Counts, SourceFusion.Linear, 0.6);
        recommender.NewItemBonus = 0.75;
        await recommender.SaveAsync(folder["model"]);

        using var loaded = await GenerativeRecommender.LoadAsync(folder["model"]);

        Assert.Equal(0.75, loaded.NewItemBonus);
        Assert.Equal(Scores(recommender), Scores(loaded));
        Assert.Contains("expected 0 to 20", Assert.Throws<ArgumentOutOfRangeException>(() => loaded.NewItemBonus = -1).Message);
    }

    private static GenerativeRecommender Recommender(
        IReadOnlyDictionary<string, double>? counts, SourceFusion fusion, double dense, int beams = 8)
    {
        var model = ContentToy.Model();
        model.Attach(ContentToy.Module());
        model.eval();
        return new GenerativeRecommender(model, ContentToy.Index, CompactTemplate.For(ContentToy.Index),
            new RecommenderOptions { BeamWidth = beams, DenseWeight = dense, Fusion = fusion }, counts);
    }

    private static Dictionary<string, double> Scores(GenerativeRecommender recommender) =>
        recommender.Recommend([new RecommendationRequest { History = ["a", "b"], Count = 8 }])[0].Items
            .ToDictionary(item => item.ItemId, item => item.Score);
}

using MiniOneRec.Modeling.Tests;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative.Tests.Titles;

public sealed class BigRecTrainerTests
{
    private static BigRecOptions Small => new() { Model = Shop.Model, Sft = Shop.Sft, MaxTitleTokens = 12 };

    [Fact]
    public async Task Train_FromScratch_WritesTitlesAndSurvivesAFolder()
    {
        using var folder = new TemporaryFolder();
        var options = Small;
        options.Sft.Epochs = 200;
        using var recommender = await new BigRecTrainer(options).TrainAsync(Shop.Items, Shop.Users, Shop.Seen);
        await recommender.SaveAsync(folder["bigrec"]);
        using var loaded = await BigRecRecommender.LoadAsync(folder["bigrec"]);

        var written = await recommender.WriteAsync([.. Shop.Seen.Select(row => row.History)]);
        var answers = await recommender.RecommendAsync(Shop.Requests);

        var titles = Shop.Items.ToDictionary(item => item.Id, item => item.Title);
        Assert.All(written, title => Assert.Contains(title, titles.Values));
        recommender.PopularityPower = 0;
        Assert.Equal(written, (await recommender.RecommendAsync(Shop.Requests)).Select(answer => titles[answer.Items[0].ItemId]));
        recommender.PopularityPower = loaded.PopularityPower;
        Assert.All(answers.Zip(await loaded.RecommendAsync(Shop.Requests)), pair => Assert.Equal(pair.First.Items, pair.Second.Items));
        Assert.True(recommender.Training!.History[^1].Metrics["loss"] < recommender.Training.History[0].Metrics["loss"] / 5);
        Assert.Equal("bigrec", loaded.Name);
    }

    [Fact]
    public async Task Train_NoTitles_SaysSoBeforeAnyWork()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            new BigRecTrainer(Small).TrainAsync([new Item { Id = "i1" }], Shop.Users, []));

        Assert.StartsWith("No item has a title", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Grounding_DistancesAndPopularity_FollowTheFormula()
    {
        var counts = new Dictionary<string, double> { ["a"] = 1, ["b"] = 5, ["c"] = 3, ["d"] = 2 };
        Item[] items = [Named("a", "x"), Named("b", "y"), Named("c", "z"), Named("d", "z")];
        var catalogue = new TitleCatalogue(items, counts);
        using var vectors = tensor(new float[] { 0, 0, 3, 4, 0, 1 }, [3, 2]);
        using var grounding = new TitleGrounding(catalogue, vectors.clone());
        using var written = tensor(new float[] { 0, 0 }, [1, 2]);

        float[] distances = Assert.Single(grounding.Distances(written));

        Assert.Equal([0f, 1f, 0.2f], distances, (left, right) => Math.Abs(left - right) < 1e-6);
        Assert.Equal([0, 2, 1], grounding.Rank(distances, 0).Select(pair => pair.Title));
        double[] popularity = [0, 1, 1];                        // 1, 5 and 3 + 2 purchases
        foreach (double power in new[] { 0.5, 10 })
        {
            Assert.All(grounding.Rank(distances, power), pair =>
                Assert.Equal(distances[pair.Title] * Math.Pow(1 + popularity[pair.Title], -power), pair.Value, 1e-9));
        }

        Assert.Equal(["c", "d"], catalogue.ItemsOf[2]);
    }

    private static Item Named(string id, string title) => new() { Id = id, Title = title };
}

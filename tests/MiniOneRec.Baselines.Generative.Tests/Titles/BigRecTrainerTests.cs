using MiniOneRec.Alignment;
using MiniOneRec.Modeling.Tests;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative.Tests.Titles;

public sealed class BigRecTrainerTests
{
    private static BigRecOptions Small => new() { Model = Shop.Model, Sft = Shop.Sft, MaxTitleTokens = 12 };

    [Fact]
    public async Task Train_FromScratch_WritesWhatFollowsTheHistoryAndSurvivesAFolder()
    {
        using var folder = new TemporaryFolder();
        var options = new BigRecOptions { Model = Shop.Reader, Sft = Shop.Slow, MaxTitleTokens = 12 };
        options.Sft.Epochs = 150;
        NextItemExample[] seen = Shop.Seen[..6];
        using var recommender = await new BigRecTrainer(options).TrainAsync(Shop.Goods, Shop.Six, seen);
        await recommender.SaveAsync(folder["bigrec"]);
        using var loaded = await BigRecRecommender.LoadAsync(folder["bigrec"]);

        var written = await recommender.WriteAsync([.. seen.Select(row => row.History)]);
        var answers = await recommender.RecommendAsync(Shop.Requests[..6]);

        var titles = Shop.Items.ToDictionary(item => item.Id, item => item.Title);
        Assert.Equal(seen.Select(row => titles[row.Target]), written);
        recommender.PopularityPower = 0;
        var nearest = await recommender.RecommendAsync(Shop.Requests[..6]);
        Assert.Equal(seen.Select(row => row.Target), nearest.Select(answer => answer.Items[0].ItemId));
        recommender.PopularityPower = loaded.PopularityPower;
        Assert.All(answers.Zip(await loaded.RecommendAsync(Shop.Requests[..6])), pair => Assert.Equal(pair.First.Items, pair.Second.Items));
        Assert.True(recommender.Training!.History[^1].Metrics["loss"] < recommender.Training.History[0].Metrics["loss"] / 5);
        Assert.Equal("bigrec", loaded.Name);
    }

    [Fact]
    public async Task Samples_LabelTheAnswerAloneAndHaveThePromptOfServing()
    {
        var options = Small;
        using var model = await TitleTraining.CreateAsync(options, new MiniOneRecOptions(), Shop.Items, Shop.Users, null, default);
        var context = new TaskContext(new AlignmentData(Shop.Index, Shop.Users), model.Template, new Random(1));

        var samples = model.Task.CreateSamples(context).ToArray();

        Assert.Equal(Shop.Seen.Length, samples.Length);
        Assert.All(samples.Zip(Shop.Seen), pair =>
        {
            var (sample, row) = pair;
            int[] prompt = model.Prompt(row.History, out _);
            Assert.Equal(prompt, sample.Tokens[..prompt.Length]);
            Assert.Equal(model.Template.EncodeResponse(model.Catalogue.TitleOf(row.Target)!), sample.Tokens[prompt.Length..]);
            Assert.Equal(Enumerable.Range(0, sample.Tokens.Length).Select(token => token >= prompt.Length), sample.Labels);
        });
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

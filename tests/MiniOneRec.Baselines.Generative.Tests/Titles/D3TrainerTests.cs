using Microsoft.Extensions.Options;
using MiniOneRec.Modeling.Tests;

namespace MiniOneRec.Baselines.Generative.Tests.Titles;

public sealed class D3TrainerTests
{
    private static D3Options Small => new() { Model = Shop.Model, Sft = Shop.Sft, BeamWidth = 4, ModelShare = 0.9 };

    [Fact]
    public async Task Train_FromScratch_LearnsTheShopAndSurvivesAFolder()
    {
        using var folder = new TemporaryFolder();
        using var recommender = await new D3Trainer(Small).TrainAsync(Shop.Items, Shop.Users, new RingScorer());
        await recommender.SaveAsync(folder["d3"]);
        var loader = new ScorerLoader("ring", (_, _, _) => Task.FromResult<IItemScorer?>(new RingScorer()));
        using var loaded = await D3Recommender.LoadAsync(folder["d3"], [loader]);

        var answers = await recommender.RecommendAsync(Shop.Requests);

        Assert.Equal("d3", recommender.Name);
        Assert.Equal(Shop.Seen.Select(row => row.Target), answers.Select(answer => answer.Items[0].ItemId));
        Assert.All(answers.Zip(await loaded.RecommendAsync(Shop.Requests)), pair => Assert.Equal(pair.First.Items, pair.Second.Items));
        Assert.True(recommender.Training!.Steps > 0);
        var missing = await Assert.ThrowsAsync<InvalidDataException>(() => D3Recommender.LoadAsync(folder["d3"]));
        Assert.Contains("assistant of kind 'ring'", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recommend_AssistantAlone_FollowsIt()
    {
        var options = Small;
        (options.Sft.Epochs, options.ModelShare) = (1, 0);
        using var recommender = await new D3Trainer(options).TrainAsync(Shop.Items, Shop.Users, new RingScorer());

        var answer = await recommender.RecommendAsync(["i3", "i7"], 12);

        Assert.Equal("i8", answer.Items[0].ItemId);
        Assert.Equal(12, answer.Items.Count);                   // two items share a title and both are there
        Assert.Equal(12, answer.Items.Select(item => item.ItemId).Distinct().Count());
    }

    [Fact]
    public async Task Recommend_Restrictions_AreKept()
    {
        var options = Small;
        options.Sft.Epochs = 1;
        using var recommender = await new D3Trainer(options).TrainAsync(Shop.Items, Shop.Users);

        var answer = (await recommender.RecommendAsync([new RecommendationRequest
        {
            History = ["i1", "gone"], ExcludeHistory = true, ExcludedItems = new HashSet<string> { "i2" }, Count = 12,
        }]))[0];

        Assert.Equal(10, answer.Items.Count);
        Assert.Equal((1, 2), (answer.SkippedHistoryItems, answer.Shortfall));
        Assert.DoesNotContain(answer.Items, item => item.ItemId is "i1" or "i2");
        await Assert.ThrowsAsync<ArgumentException>(() => recommender.RecommendAsync(["i1"], 0));
    }

    [Fact]
    public async Task Train_NoTitles_SaysSoBeforeAnyWork()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            new D3Trainer(Small).TrainAsync([new Item { Id = "i1" }], Shop.Users));

        Assert.StartsWith("No item has a title", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_NoModelAtThePath_NamesIt()
    {
        var options = Small;
        options.Model.PretrainedPath = "nowhere";

        var error = await Assert.ThrowsAsync<FileNotFoundException>(() => new D3Trainer(options).TrainAsync(Shop.Items, Shop.Users));

        Assert.Contains("nowhere", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_OutOfRange_AreNamed()
    {
        var error = Assert.Throws<OptionsValidationException>(() => new D3Trainer(new D3Options { BeamWidth = 0, ModelShare = 2 }));

        Assert.All(["BeamWidth", "ModelShare"], part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
        var model = Assert.Throws<OptionsValidationException>(() =>
            new D3Trainer(new D3Options { Model = new LanguageModelOptions { HiddenSize = 12, Heads = 4 } }));
        Assert.Contains("HiddenSize 12 must be an even multiple of Heads 4.", model.Message, StringComparison.Ordinal);
    }
}

using MiniOneRec.Alignment;
using MiniOneRec.Baselines.Generative.Tests.Titles;
using MiniOneRec.Modeling;
using MiniOneRec.Modeling.Tests;
using MiniOneRec.Pretrained;
using MiniOneRec.Reinforcement;

namespace MiniOneRec.Baselines.Generative.Tests.LanguageModels;

/// <summary>LC-Rec and S-DPO, from scratch and on a folder of Qwen2.</summary>
public sealed class CodeRivalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task LcRec_FromScratch_LearnsItsTasksAndSurvivesAFolder()
    {
        var options = new LcRecOptions { Model = Shop.Model, Sft = Shop.Sft };
        options.Sft.Epochs = 10;
        var reports = new List<TrainingProgress>();
        using var recommender = await new LcRecTrainer(options).TrainAsync(
            Shop.Index, Shop.Items, Shop.Users, [], null, new Collector(reports.Add));
        await recommender.SaveAsync(_folder["lc-rec"]);
        using var loaded = await GenerativeRecommender.LoadAsync(_folder["lc-rec"]);

        var answers = await recommender.RecommendAsync(Shop.Requests);

        Assert.Equal("lc-rec", recommender.Name);
        double[] losses = [.. reports.Where(report => report.Metrics.ContainsKey("loss")).Select(report => report.Metrics["loss"])];
        Assert.True(losses[^1] < losses[0] / 2, $"The loss went from {losses[0]} to {losses[^1]}.");
        Assert.All(["next-sid", "title-to-sid", "sid-to-title", "next-title", "titles-to-sid"], task =>
            Assert.Contains(reports, report => report.Metrics.Keys.Any(key => key == "nll/" + task)));
        Assert.All(answers.Zip(await loaded.RecommendAsync(Shop.Requests)), pair => Assert.Equal(pair.First.Items, pair.Second.Items));
        var template = Assert.IsType<AlpacaTemplate>(loaded.Template);
        Assert.Equal("lamp", template.Tokenizer.Decode(template.Tokenizer.Encode("lamp")));
    }

    [Theory]
    [InlineData(false, 60)]
    [InlineData(true, 50)]
    public async Task LcRec_SixUsers_AnswersByTheHistory(bool aligned, int epochs)
    {
        var options = new LcRecOptions { Model = Shop.Reader, Sft = Shop.Slow, AlignTitles = aligned };
        options.Sft.Epochs = epochs;
        var tasks = new HashSet<string>();
        using var recommender = await new LcRecTrainer(options).TrainAsync(
            Shop.Index, Shop.Goods, Shop.Six, [], null, new Collector(report => tasks.UnionWith(report.Metrics.Keys)));

        var answers = await recommender.RecommendAsync(Shop.Requests[..6]);

        Assert.Equal(Shop.Seen[..6].Select(row => row.Target), answers.Select(answer => answer.Items[0].ItemId));
        Assert.Equal(aligned, tasks.Contains("nll/titles-to-sid"));
    }

    [Fact]
    public async Task LcRec_NoTitles_SaysSoBeforeAnyWork()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            new LcRecTrainer(new LcRecOptions { Model = Shop.Model }).TrainAsync(Shop.Index, [new Item { Id = "i1" }], Shop.Users, []));

        Assert.StartsWith("No item of the index has a title", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sdpo_FromScratch_PrefersWhatCame()
    {
        var options = new SdpoOptions
        {
            Model = Shop.Model, Sft = Shop.Sft,
            Preference = new PreferenceOptions { Steps = 20, PromptsPerStep = 10, LearningRate = 1e-3, Beta = 0.5 },
        };
        options.Sft.Epochs = 10;
        var reports = new List<TrainingProgress>();
        using var recommender = await new SdpoTrainer(options)
            .TrainAsync(Shop.Index, [], Shop.Users, [], new Collector(reports.Add));

        var losses = reports.Where(report => report.Stage == "preference" && report.Metrics.ContainsKey("loss"))
            .Select(report => report.Metrics["loss"]).ToArray();
        Assert.Equal("s-dpo", recommender.Name);
        Assert.Equal(20, losses.Length);
        Assert.True(losses[^1] < losses[0] - 0.1, $"The loss went from {losses[0]} to {losses[^1]}.");
        Assert.NotEmpty((await recommender.RecommendAsync(["i1"], 3)).Items);
    }

    [Fact]
    [Trait("Category", "Parity")]
    public async Task Rivals_QwenFolder_RunUnchanged()
    {
        string path = await QwenAsync();
        var sft = new SftOptions { Epochs = 1, BatchSize = 10, MaxSteps = 2, Lora = new LoraOptions { Rank = 2 } };
        var model = new LanguageModelOptions { PretrainedPath = path };

        using var lcRec = await new LcRecTrainer(new LcRecOptions { Model = model, Sft = sft })
            .TrainAsync(Shop.Index, Shop.Items, Shop.Users, []);
        using var d3 = await new D3Trainer(new D3Options { Model = model, Sft = sft }).TrainAsync(Shop.Items, Shop.Users, new RingScorer());
        using var bigRec = await new BigRecTrainer(new BigRecOptions { Model = model, Sft = sft, MaxTitleTokens = 8 })
            .TrainAsync(Shop.Items, Shop.Users, Shop.Seen);
        using var sdpo = await new SdpoTrainer(new SdpoOptions
        {
            Model = model, Sft = sft, Preference = new PreferenceOptions { Steps = 1, PromptsPerStep = 4 },
        }).TrainAsync(Shop.Index, Shop.Items, Shop.Users, []);

        foreach (IRecommender recommender in new IRecommender[] { lcRec, d3, bigRec, sdpo })
        {
            var answer = await recommender.RecommendAsync(["i1", "i2"], 5);
            Assert.Equal(5, answer.Items.Select(item => item.ItemId).Distinct().Count());
        }

        await bigRec.SaveAsync(_folder["bigrec"]);
        using var loaded = await BigRecRecommender.LoadAsync(_folder["bigrec"]);
        Assert.Equal((await bigRec.RecommendAsync(["i1"], 5)).Items, (await loaded.RecommendAsync(["i1"], 5)).Items);
    }

    /// <summary>The recorded Qwen2 of 512 tokens, with a tokenizer that fits it.</summary>
    private async Task<string> QwenAsync()
    {
        string source = TestData.Fixture("qwen2-tied"), path = _folder["qwen2"];
        Directory.CreateDirectory(path);
        foreach (string file in new[] { "config.json", "model.safetensors" })
        {
            File.Copy(Path.Combine(source, file), Path.Combine(path, file));
        }

        await TokenizerTrainer.Train(Shop.Items.Select(item => item.Title), 300).SaveAsync(path);
        return path;
    }

    private sealed class Collector(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}

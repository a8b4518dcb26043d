using TorchSharp;

namespace MiniOneRec.Modeling.Tests.Recommending;

public sealed class SemanticIdModelTests
{
    private static readonly RecommendationRequest[] Requests =
        [new() { History = ["a", "e"], Count = 6 }, new() { History = ["gone", "f", "b", "c"], Count = 3 },
            new() { History = [], Count = 4 }];

    [Fact]
    public async Task SaveAsync_ModelAlone_LoadsAsModelAndAsRecommender()
    {
        using var folder = new TemporaryFolder();
        using var model = Make(maxHistoryItems: 2);
        var expected = new DirectRecommender(model).Recommend(Requests);

        await model.SaveAsync(folder["model"]);
        using var loaded = await SemanticIdModel.LoadAsync(folder["model"]);
        using var recommender = await GenerativeRecommender.LoadAsync(folder["model"]);

        Equal(expected, new DirectRecommender(loaded).Recommend(Requests));
        Equal(expected, await recommender.RecommendAsync(Requests));
        Assert.Equal((2, 2), (loaded.MaxHistoryItems, recommender.Options.MaxHistoryItems));
        Assert.Equal(model.Index.Fingerprint, loaded.Index.Fingerprint);
        Assert.Equal(model.Popularity.OrderBy(pair => pair.Key), loaded.Popularity.OrderBy(pair => pair.Key));
    }

    [Fact]
    public async Task LoadAsync_FolderOfARecommender_TakesTheModelWithoutItsPriorAndPenalty()
    {
        using var folder = new TemporaryFolder();
        using var model = Make();
        using var recommender = new GenerativeRecommender(model, new RecommenderOptions { HistoryPenalty = 3, MaxHistoryItems = 1 });
        recommender.Prior = new ServingToy.Scoring(_ => 1);
        await recommender.SaveAsync(folder["served"]);

        using var loaded = await SemanticIdModel.LoadAsync(folder["served"]);

        Assert.Equal(1, loaded.MaxHistoryItems);
        Equal(new DirectRecommender(recommender.SemanticIdModel).Recommend(Requests), new DirectRecommender(loaded).Recommend(Requests));
    }

    [Fact]
    public async Task LoadAsync_MissingFolderOrOptionOutOfRange_IsTold()
    {
        using var folder = new TemporaryFolder();
        using var model = Make();
        await model.SaveAsync(folder["model"]);
        string manifest = folder["model/minionerec.json"];
        await File.WriteAllTextAsync(manifest,
            (await File.ReadAllTextAsync(manifest)).Replace("\"maxHistoryItems\": 20", "\"maxHistoryItems\": 0", StringComparison.Ordinal));

        await Assert.ThrowsAsync<DirectoryNotFoundException>(() => SemanticIdModel.LoadAsync(folder["none"]));
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => SemanticIdModel.LoadAsync(folder["model"]));
        Assert.Contains("options key 'recommender'", error.Message, StringComparison.Ordinal);
        Assert.Contains("MaxHistoryItems", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recommenders_OfOneModel_ServeWithSettingsOfTheirOwnAndLeaveItAlive()
    {
        using var model = Make();
        var options = new RecommenderOptions { HistoryPenalty = 50 };
        IReadOnlyList<RecommendationResult> plain, penalised;
        using (var first = new GenerativeRecommender(model))
        using (var second = new GenerativeRecommender(model, options))
        {
            plain = await first.RecommendAsync(Requests);
            penalised = await second.RecommendAsync(Requests);
        }

        Equal(plain, new DirectRecommender(model).Recommend(Requests));
        Equal(penalised, new DirectRecommender(model, options).Recommend(Requests));
        Assert.NotEqual(Ids(plain[0]), Ids(penalised[0]));
        Assert.Equal(["a", "e"], Ids(penalised[0])[4..].Order());         // the history comes last
    }

    [Fact]
    public async Task Direct_Snapshot_AnswersAsBeforeWhateverIsSetLater()
    {
        using var model = Make();
        using var recommender = new GenerativeRecommender(model) { Name = "shop" };
        recommender.Prior = new ServingToy.Scoring(_ => 1);
        var direct = recommender.Direct(options => options.BeamWidth = 3);
        var before = direct.Recommend(Requests);

        (recommender.Prior, recommender.HistoryPenalty) = (null, 9);
        recommender.Swap(new SemanticIdIndex([new("z", new(0, 0))], [4, 4]));

        Equal(before, direct.Recommend(Requests));
        Equal(before, await direct.RecommendAsync(Requests));
        Assert.Equal(("shop", 3, 0), (direct.Name, direct.Options.BeamWidth, direct.Options.HistoryPenalty));
        Assert.Equal(["z"], recommender.SemanticIdModel.Index.Items);
        Assert.Equal("z", Assert.Single((await recommender.RecommendAsync(Requests))[0].Items).ItemId);
    }

    [Fact]
    public void Adjustments_NameWhatChangesTheModelsRanking()
    {
        using var model = Make();

        Assert.Equal("", new DirectRecommender(model).Adjustments);
        string all = new DirectRecommender(model, new RecommenderOptions { HistoryPenalty = 0.5, ExcludeHistory = true },
            new ServingToy.Scoring(_ => 1)).Adjustments;
        Assert.Equal("prior Scoring of unknown state, weight 0.3, Proportional, evidence 0; history penalty 0.5; history excluded", all);
    }

    [Fact]
    public void EncodeHistory_KeepsTheLatestKnownItems()
    {
        using var model = Make(maxHistoryItems: 2);

        int[] prompt = model.EncodeHistory(["a", "gone", "b", "e"], out int skipped);

        Assert.Equal(1, skipped);
        Assert.Equal(model.Template.EncodePrompt(model.Template.NextItem([model.Index["b"], model.Index["e"]])), prompt);
        Assert.Throws<ArgumentOutOfRangeException>(() => Make(maxHistoryItems: 0));
    }

    [Fact]
    public async Task CreateModelAsync_EqualsTheFactorysRecommender()
    {
        var factory = new GenerativeRecommenderFactory(
            new ModelingOptions { HiddenSize = 16, Layers = 1, Heads = 2, Recommender = new() { MaxHistoryItems = 3 } });

        using var model = await factory.CreateModelAsync(ServingToy.Index);
        using var recommender = await factory.CreateAsync(ServingToy.Index);

        Assert.Equal(3, model.MaxHistoryItems);
        Equal(await recommender.RecommendAsync(Requests), new DirectRecommender(model).Recommend(Requests));
    }

    [Fact]
    public void Constructor_PartsThatDoNotFit_AreRefusedByName()
    {
        var template = CompactTemplate.For(ServingToy.Index);
        using var small = new DecoderModel(DecoderConfig.Small(template.VocabularySize - 1, 16, 1, 2));
        using var model = Make();

        Assert.Contains("fewer than the", Assert.Throws<ArgumentException>(() => new SemanticIdModel(small, template, ServingToy.Index))
            .Message, StringComparison.Ordinal);
        var deeper = new SemanticIdIndex([new("q", new(0, 0, 1))]);
        Assert.Contains("Item 'q'", Assert.Throws<ArgumentException>(() => model.WithCatalogue(deeper)).Message, StringComparison.Ordinal);
    }

    private static SemanticIdModel Make(int maxHistoryItems = 20)
    {
        torch.random.manual_seed(11);
        var template = CompactTemplate.For(ServingToy.Index);
        var backbone = new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 2, 2));
        backbone.eval();
        return new SemanticIdModel(backbone, template, ServingToy.Index, new Dictionary<string,
            double> { ["d"] = 2, ["c"] = 1 }) { MaxHistoryItems = maxHistoryItems };
    }

    private static string[] Ids(RecommendationResult result) => [.. result.Items.Select(item => item.ItemId)];

    // Scores may differ in their last bits, because requests are batched differently.
    private static void Equal(IReadOnlyList<RecommendationResult> expected, IReadOnlyList<RecommendationResult> actual)
    {
        Assert.Equal(expected.Select(Ids), actual.Select(Ids));
        foreach (var (first, second) in expected.Zip(actual))
        {
            Assert.All(first.Items.Zip(second.Items), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-5));
        }
    }
}

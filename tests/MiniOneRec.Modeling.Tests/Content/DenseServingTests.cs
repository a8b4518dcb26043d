using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

public sealed class DenseServingTests
{
    [Fact]
    public void Recommend_DenseHead_FollowsTheExactMixture()
    {
        using var recommender = ContentToy.Recommender();
        recommender.DenseWeight = 0;
        var codes = Scores(recommender);
        recommender.DenseWeight = 1;
        var dense = Scores(recommender);
        recommender.DenseWeight = 0.3;

        var mixed = Scores(recommender);

        Assert.Equal(1, dense.Values.Sum(), 1e-5);
        foreach (var (item, value) in mixed)
        {
            Assert.Equal(0.7 * codes[item] + 0.3 * dense[item], value, 1e-6);
        }
    }

    [Fact]
    public void Recommend_SeveralPriors_AddTheirShares()
    {
        using var recommender = ContentToy.Recommender();
        recommender.DenseWeight = 0;
        var codes = Scores(recommender);
        recommender.Prior = Point("b");
        recommender.PriorWeight = 0.2;
        recommender.AdditionalPriors = [new PriorShare(Point("e"), 0.3), new PriorShare(Point("f"), 0)];

        var mixed = Scores(recommender);

        foreach (var (item, value) in mixed)
        {
            Assert.Equal(0.5 * codes[item] + (item == "b" ? 0.2 : item == "e" ? 0.3 : 0), value, 1e-6);
        }
    }

    [Fact]
    public void Recommend_GeometricFusion_RanksByTheWeightedGeometricMean()
    {
        using var recommender = ContentToy.Recommender();
        recommender.DenseWeight = 0;
        var codes = Scores(recommender);
        recommender.DenseWeight = 1;
        var dense = Scores(recommender);
        recommender.DenseWeight = 0.3;
        recommender.AdditionalPriors = [new PriorShare(Point("b"), 0.2)];
        recommender.Fusion = SourceFusion.Geometric;

        var mixed = Scores(recommender);

        double floor = 1e-3 / ContentToy.Index.Count;
        foreach (var (item, value) in mixed)
        {
            // A semantic ID's items share what the codes give it.
            double expected = Math.Pow(codes[item] + floor, 0.5) * Math.Pow(dense[item] + floor, 0.3)
                * Math.Pow((item == "b" ? 1 : 0) + floor, 0.2);
            Assert.Equal(expected, value, 1e-6);
        }

        Assert.Contains("-1", Assert.Throws<ArgumentOutOfRangeException>(() => recommender.Fusion = (SourceFusion)(-1)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Recommend_SharesAboveOne_AreRefused()
    {
        using var recommender = ContentToy.Recommender();
        recommender.DenseWeight = 0.6;
        recommender.Prior = Point("b");
        recommender.PriorWeight = 0.5;

        var refusal = Assert.Throws<InvalidOperationException>(() => Scores(recommender));

        Assert.Contains("sum to 1.1", refusal.Message);
        Assert.Contains("'PointScorer' has the share 1.5",
            Assert.Throws<ArgumentException>(() => recommender.AdditionalPriors = [new PriorShare(Point("b"), 1.5)]).Message);
    }

    [Fact]
    public void Recommend_PenaltyOfTheLastItem_DiffersFromEarlierOnes()
    {
        using var recommender = ContentToy.Recommender();
        var free = Scores(recommender, "a", "e");
        recommender.HistoryPenalty = 1;
        recommender.LastItemPenalty = 2;

        var penalised = Scores(recommender, "a", "e");

        Assert.Equal(free["a"] * Math.Exp(-1), penalised["a"], 1e-6);
        Assert.Equal(free["e"] * Math.Exp(-2), penalised["e"], 1e-6);
        Assert.Equal(free["b"], penalised["b"], 1e-6);
    }

    [Theory]
    [InlineData(0.4, 0)]
    [InlineData(1, 0)]
    [InlineData(0.4, 1.5)]
    [InlineData(0, 1.5)]
    public void Recommend_FewItems_AreTheFirstOfTheWholeRanking(double dense, double penalty)
    {
        var random = new Random(8);
        var index = new SemanticIdIndex(
            [.. Enumerable.Range(0, 60).Select(i => KeyValuePair.Create($"{i}", new SemanticId(i / 15, i % 15)))], [4, 15]);
        var template = CompactTemplate.For(index);
        manual_seed(5);
        var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 2, 2));
        float[] values = [.. Enumerable.Range(0, 180).Select(_ => random.NextSingle() - 0.5f)];
        model.Attach(ContentToy.Shaken(new ContentModule(new ItemContent(index.Items, 3, values), index, template, 16)));
        using var recommender = new GenerativeRecommender(model, index, template, new RecommenderOptions
        {
            BeamWidth = 60, DenseWeight = dense, HistoryPenalty = penalty,
        });

        foreach (int _ in Enumerable.Range(0, 20))
        {
            string[] history = [.. Enumerable.Range(0, 4).Select(_ => $"{random.Next(60)}")];
            var whole = recommender.Recommend([new RecommendationRequest { History = history, Count = 60 }])[0].Items;
            var few = recommender.Recommend([new RecommendationRequest { History = history, Count = 5 }])[0].Items;
            Assert.Equal(whole.Take(5).Select(item => item.ItemId), few.Select(item => item.ItemId));
            Assert.All(few.Zip(whole), pair => Assert.Equal(pair.Second.Score, pair.First.Score, 1e-4));
        }
    }

    [Fact]
    public void Recommend_GrownCatalogue_ScoresWhatTheHeadKnows()
    {
        using var recommender = ContentToy.Recommender();
        recommender.DenseWeight = 1;
        var before = Scores(recommender);

        recommender.Swap(new SemanticIdIndex(
            [new("new", new(1, 1)), .. ContentToy.Index.Items.Reverse().Select(item => KeyValuePair.Create(item, ContentToy.Index[item]))],
            ContentToy.Index.LevelSizes));
        var after = Scores(recommender, count: 9);

        Assert.Equal(0, after["new"]);
        foreach (var (item, value) in before)
        {
            Assert.Equal(value, after[item], 1e-6);
        }
    }

    [Fact]
    public async Task Save_Load_AnswersToTheBit()
    {
        using var folder = new TemporaryFolder();
        using var recommender = ContentToy.Recommender(new ContentOptions { ItemResiduals = true, DecayRate = 0.5 });
        recommender.Fusion = SourceFusion.Geometric;
        await recommender.SaveAsync(folder["model"]);

        using var loaded = await GenerativeRecommender.LoadAsync(folder["model"]);

        Assert.Equal(Scores(recommender), Scores(loaded));
        Assert.Equal(SourceFusion.Geometric, loaded.Fusion);
        Assert.Equal(recommender.Model.Content!.Content.Fingerprint, loaded.Model.Content!.Content.Fingerprint);
        Assert.False(loaded.Model.Content.Content.IsKnown(6));
    }

    [Fact]
    public async Task Save_Load_KeepsAdditionalPriorsAndTheirShares()
    {
        using var folder = new TemporaryFolder();
        using var recommender = ContentToy.Recommender();
        recommender.DenseWeight = 0.2;
        recommender.AdditionalPriors =
            [new PriorShare(Point("b"), 0.3), new PriorShare(new Saved("e"), 0.25) { Scale = PriorScale.Softmax, Evidence = 2 }];
        var answered = Scores(recommender);
        recommender.AdditionalPriors = [.. recommender.AdditionalPriors.Skip(1), recommender.AdditionalPriors[0]];
        await recommender.SaveAsync(folder["model"]);

        using var loaded = await GenerativeRecommender.LoadAsync(folder["model"], new RecommenderLoadOptions
        {
            Scorers = [new ScorerLoader(
                "saved", async (path, _, stop) => new Saved(await File.ReadAllTextAsync(Path.Combine(path, "item.txt"), stop)))],
        });

        var share = Assert.Single(loaded.AdditionalPriors);
        Assert.Equal((0.25, PriorScale.Softmax, 2.0), (share.Weight, share.Scale, share.Evidence));
        Assert.EndsWith("PointScorer", loaded.MissingPrior);
        loaded.AdditionalPriors = [new PriorShare(Point("b"), 0.3), share];
        Assert.Equal(answered, Scores(loaded));
        var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(folder["model"]));
        Assert.Contains("'saved'", refusal.Message);
    }

    [Fact]
    public async Task Load_VectorsThatChanged_AreRefused()
    {
        using var folder = new TemporaryFolder();
        using var recommender = ContentToy.Recommender();
        await recommender.SaveAsync(folder["model"]);
        string path = Path.Combine(folder["model"], ContentStore.File);
        var stored = SafetensorsFile.Load(path);
        using (no_grad())
        {
            stored["vectors"][0, 0] = tensor(0.125f);
        }

        await SafetensorsFile.SaveAsync(path, [.. stored.Select(pair => (pair.Key, pair.Value))]);
        await Rehash(folder["model"]);

        var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(folder["model"]));

        Assert.Contains("the model was trained with " + recommender.Model.Content!.Content.Fingerprint, refusal.Message);
    }

    [Theory]
    [InlineData("width", "has vectors of fingerprint")]
    [InlineData("rows", "'vectors' is [7, 3] and 'known' [8]; expected a row for each of the catalogue's 8 items")]
    [InlineData("not a number", "vector of item 'b' holds NaN in column 1")]
    [InlineData("weight", "key 'scale' holds a number that is not finite")]
    [InlineData("missing", "key 'known' is missing")]
    public async Task Load_ContentThatDoesNotFit_SaysWhatIsWrong(string damage, string part)
    {
        using var folder = new TemporaryFolder();
        using var recommender = ContentToy.Recommender();
        await recommender.SaveAsync(folder["model"]);
        string path = Path.Combine(folder["model"], ContentStore.File);
        var stored = SafetensorsFile.Load(path);
        using (no_grad())
        {
            switch (damage)
            {
                case "width": stored["vectors"] = stored["vectors"].narrow(1, 0, 2).contiguous(); break;
                case "rows": stored["vectors"] = stored["vectors"].narrow(0, 0, 7).contiguous(); break;
                case "not a number": stored["vectors"][1, 1] = tensor(float.NaN); break;
                case "weight": stored["scale"][0] = tensor(float.PositiveInfinity); break;
                default: stored.Remove("known"); break;
            }
        }

        await SafetensorsFile.SaveAsync(path, [.. stored.Select(pair => (pair.Key, pair.Value))]);
        await Rehash(folder["model"]);

        var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(folder["model"]));

        Assert.Contains(part, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(ContentStore.File, refusal.Message, StringComparison.Ordinal);
    }

    // Damage that no hash shows: the manifest is made to fit it.
    private static async Task Rehash(string folder)
    {
        string path = Path.Combine(folder, ModelFolder.ManifestFile);
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        manifest.Remove("files");
        manifest.Remove("checksum");
        await File.WriteAllTextAsync(path, manifest.ToJsonString());
    }

    private static Dictionary<string,
        double> Scores(GenerativeRecommender recommender, params string[] history) => Scores(recommender, 8, history);

    private static Dictionary<string, double> Scores(GenerativeRecommender recommender, int count, params string[] history)
    {
        var result =
            recommender.Recommend([new RecommendationRequest { History = history.Length == 0 ? ["a"] : history, Count = count }])[0];
        return result.Items.ToDictionary(item => item.ItemId, item => Math.Exp(item.Score));
    }

    private static PointScorer Point(string item) => new(item);

    private sealed class Saved(string item) : PointScorer(item), ISavableScorer
    {
        public string Kind => "saved";

        public Task SaveAsync(string folder, CancellationToken cancellationToken = default)
        {
            Directory.CreateDirectory(folder);
            return File.WriteAllTextAsync(Path.Combine(folder, "item.txt"), Item, cancellationToken);
        }
    }

    private class PointScorer(string item) : IItemScorer
    {
        public IReadOnlyList<string> Items => ContentToy.Index.Items;

        protected string Item => item;

        public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores)
        {
            for (int i = 0; i < scores.Length; i++)
            {
                scores[i] = Items[i % Items.Count] == item ? 1 : 0;
            }
        }
    }
}

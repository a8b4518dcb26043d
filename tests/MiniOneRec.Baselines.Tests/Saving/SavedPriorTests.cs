using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;

namespace MiniOneRec.Baselines.Tests;

/// <summary>A recommender that is saved with its prior answers the same after loading.</summary>
public sealed class SavedPriorTests : IDisposable
{
    private static readonly SemanticIdIndex Index =
        new(Enumerable.Range(0, 12).Select(i => KeyValuePair.Create($"i{i}", new SemanticId(i % 3, i / 3))), [3, 4]);

    private readonly TemporaryFolder _temporary = new();

    private string Folder => Path.Combine(_temporary.Path, "model");

    public static TheoryData<string> Kinds => ["popularity", "sequential-rules", "item-knn", "sasrec", "gru4rec", "caser"];

    public void Dispose() => _temporary.Dispose();

    private static RecommenderLoadOptions With(IEnumerable<ScorerLoader> scorers, ILogger<GenerativeRecommender>? logger = null) =>
        new() { Scorers = scorers, Logger = logger };

    private static async Task<GenerativeRecommender> MakeAsync(IItemScorer? prior)
    {
        var recommender = await new GenerativeRecommenderFactory(new ModelingOptions { HiddenSize = 16, Layers = 1, Heads = 2 })
            .CreateAsync(Index);
        (recommender.Prior, recommender.PriorWeight, recommender.HistoryPenalty) = (prior, 0.4, 0.5);
        return recommender;
    }

    private static async Task<IItemScorer> PriorAsync(string kind) => kind switch
    {
        "popularity" => new PopularityRecommender(Toy.Ring),
        "sequential-rules" => new SequentialRulesRecommender(Toy.Ring),
        "item-knn" => new ItemKnnRecommender(Toy.Ring),
        "sasrec" =>
        await new SasRecTrainer(new SasRecOptions { HiddenSize = 8, Layers = 1, MaxLength = 4, MaxEpochs = 1 }).TrainAsync(Toy.Ring, []),
        "gru4rec" => await new Gru4RecTrainer(new Gru4RecOptions { HiddenSize = 8, MaxLength = 4, MaxEpochs = 1 }).TrainAsync(Toy.Ring, []),
        _ => await new CaserTrainer(new CaserOptions { HiddenSize = 8, MaxLength = 6, MaxEpochs = 1 }).TrainAsync(Toy.Ring, []),
    };

    private static IReadOnlyList<Recommendation>[] Answers(GenerativeRecommender recommender) =>
    [
        .. recommender.Recommend(
            [.. ((string[][])[["i1", "i2"], [], ["i7"]]).Select(history => new RecommendationRequest { History = history, Count = 12 })])
            .Select(result => result.Items),
    ];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task SaveAsync_WithPrior_LoadsToTheSameBits(string kind)
    {
        var prior = await PriorAsync(kind);
        using var owned = prior as IDisposable;
        using var recommender = await MakeAsync(prior);
        recommender.PriorEvidence = kind is "sequential-rules" ? 0.3 : 0;
        var logger = new FakeLogger<GenerativeRecommender>();
        if (prior is SequentialRecommender)
        {
            // log-probabilities need PriorScale.Softmax, an option of the constructor
            recommender.PriorWeight = 0;
        }

        await recommender.SaveAsync(Folder);
        using var loaded = await GenerativeRecommender.LoadAsync(Folder, With(BaselineScorers.Loaders, logger));

        Assert.Equal(Answers(recommender), Answers(loaded));
        Assert.Equal(kind, Assert.IsAssignableFrom<ISavableScorer>(loaded.Prior).Kind);
        Assert.Equal(Toy.Scores(prior, "i1 i2", "i5"), Toy.Scores(loaded.Prior!, "i1 i2", "i5"));
        Assert.Equal((recommender.PriorWeight, recommender.PriorEvidence, recommender.HistoryPenalty),
            (loaded.PriorWeight, loaded.PriorEvidence, loaded.HistoryPenalty));
        Assert.DoesNotContain(logger.Collector.GetSnapshot(), record => record.Level >= LogLevel.Warning);

        loaded.Prior = null;
        if (recommender.PriorWeight > 0)
        {
            Assert.NotEqual(Answers(recommender), Answers(loaded));
        }
    }

    [Fact]
    public async Task SaveAsync_SoftmaxPrior_LoadsToTheSameBits()
    {
        using var prior = (SasRecRecommender)await PriorAsync("sasrec");
        using var plain = await MakeAsync(null);
        await plain.SaveAsync(Folder);
        using var recommender = await new GenerativeRecommenderFactory(
            new ModelingOptions { HiddenSize = 16, Layers = 1, Heads = 2, Recommender = new() { PriorScale = PriorScale.Softmax } })
            .CreateAsync(Index);
        recommender.Prior = prior;
        await recommender.SaveAsync(Folder);

        using var loaded = await GenerativeRecommender.LoadAsync(Folder, With(BaselineScorers.Loaders));

        Assert.Equal(Answers(recommender), Answers(loaded));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LoadAsync_FolderOfVersion01_ChecksThePriorByTheHashOfItsFolder(bool damaged)
    {
        using var recommender = await MakeAsync(new SequentialRulesRecommender(Toy.Ring));
        await recommender.SaveAsync(Folder);
        Assert.DoesNotContain("prior", (await ArtifactManifest.LoadAsync(Path.Combine(Folder, "minionerec.json"))).MadeFrom.Keys);
        string path = Path.Combine(Folder, "minionerec.json");
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        Assert.True(manifest.Remove("checksum") && manifest.Remove("files"));
        manifest["madeFrom"]!["prior"] = await OldHashes.HashFolderAsync(Path.Combine(Folder, "prior"), default);
        await File.WriteAllTextAsync(path, manifest.ToJsonString());
        if (!damaged)
        {
            using var loaded = await GenerativeRecommender.LoadAsync(Folder, With(BaselineScorers.Loaders));
            Assert.Equal(Answers(recommender), Answers(loaded));
            return;
        }

        await File.WriteAllTextAsync(Path.Combine(Folder, "prior", "more.txt"), "x");

        var error = await Assert.ThrowsAsync<InvalidDataException>(
            () => GenerativeRecommender.LoadAsync(Folder, With(BaselineScorers.Loaders)));
        Assert.Contains("is not the one that was saved with the model", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_UnknownKind_NamesItAndWhatToRegister()
    {
        using (var recommender = await MakeAsync(new SequentialRulesRecommender(Toy.Ring)))
        {
            await recommender.SaveAsync(Folder);
        }

        var none = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(Folder));
        Assert.Contains("prior of kind 'sequential-rules'", none.Message, StringComparison.Ordinal);
        Assert.Contains("AddBaselines()", none.Message, StringComparison.Ordinal);
        Assert.Contains(Folder, none.Message, StringComparison.Ordinal);
        var other = await Assert.ThrowsAsync<InvalidDataException>(() =>
            GenerativeRecommender.LoadAsync(Folder, With([ScorerLoader.Skip("mine")])));
        Assert.Contains("'mine'", other.Message, StringComparison.Ordinal);

        using var without =
            await GenerativeRecommender.LoadAsync(Folder, With([.. BaselineScorers.Loaders, ScorerLoader.Skip("sequential-rules")]));
        Assert.Null(without.Prior);
    }

    [Fact]
    public async Task SaveAsync_PriorThatCannotBeSaved_IsToldThenAndWhenLoaded()
    {
        var logger = new FakeLogger<GenerativeRecommender>();
        using var plain = await MakeAsync(null);
        await plain.SaveAsync(Folder);
        using var recommender = await GenerativeRecommender.LoadAsync(Folder, With([], logger));
        recommender.Prior = new OwnScorer();

        await recommender.SaveAsync(Folder);
        using var loaded = await GenerativeRecommender.LoadAsync(Folder, With([], logger));

        Assert.Equal([LogLevel.Warning, LogLevel.Warning], logger.Collector.GetSnapshot().Select(record => record.Level));
        Assert.All(logger.Collector.GetSnapshot(), record => Assert.Contains(nameof(OwnScorer), record.Message, StringComparison.Ordinal));
        Assert.Contains(nameof(OwnScorer), loaded.MissingPrior, StringComparison.Ordinal);
        Assert.Null(loaded.Prior);
        Assert.Null(recommender.MissingPrior);
    }

    [Theory]
    [InlineData("prior/items.json")]
    [InlineData("prior/graph.safetensors")]
    [InlineData("prior/minionerec.json")]
    public async Task LoadAsync_PriorOfAnotherSave_IsRefused(string file)
    {
        using var recommender = await MakeAsync(new ItemKnnRecommender(Toy.Ring));
        await recommender.SaveAsync(Folder);
        await File.AppendAllTextAsync(Path.Combine(Folder, file), " ");

        var error =
            await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(Folder, With(BaselineScorers.Loaders)));

        Assert.Contains($"{file}' is not the one that its manifest was written for", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SaveAsync_PriorTakenAway_LeavesNoneBehind()
    {
        using var recommender = await MakeAsync(new PopularityRecommender(Toy.Ring));
        await recommender.SaveAsync(Folder);
        recommender.Prior = null;
        await recommender.SaveAsync(Folder);

        using var loaded = await GenerativeRecommender.LoadAsync(Folder);

        Assert.Null(loaded.Prior);
        Assert.False(Directory.Exists(Path.Combine(Folder, "prior")));
    }

    [Fact]
    public async Task AddBaselines_Container_LoadsTheSavedPrior()
    {
        using (var recommender = await MakeAsync(new SequentialRulesRecommender(Toy.Ring)))
        {
            await recommender.SaveAsync(Folder);
        }

        var services = new ServiceCollection();
        services.AddMiniOneRec().AddBaselines().AddBaselines().AddRecommender(Folder);
        await using var provider = services.BuildServiceProvider();

        Assert.Equal(BaselineScorers.Loaders.Count, provider.GetServices<ScorerLoader>().Count());
        Assert.IsType<SequentialRulesRecommender>(provider.GetRequiredService<GenerativeRecommender>().Prior);
    }

    [Fact]
    public async Task ScorerOfOnesOwn_WithItsLoader_IsSavedAndLoaded()
    {
        using var recommender = await MakeAsync(new FileScorer(5));
        await recommender.SaveAsync(Folder);
        var loader = new ScorerLoader("file", async (folder, device, token) =>
            new FileScorer(float.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "value.txt"), token),
                System.Globalization.CultureInfo.InvariantCulture)) { Device = device });

        FileScorer prior;
        using (var loaded = await GenerativeRecommender.LoadAsync(Folder, With([.. BaselineScorers.Loaders, loader])))
        {
            prior = Assert.IsType<FileScorer>(loaded.Prior);
            Assert.Equal(Answers(recommender), Answers(loaded));
            Assert.False(prior.Disposed);
        }

        Assert.Equal((5f, "cpu", true), (prior.Value, prior.Device, prior.Disposed));
        Assert.False(((FileScorer)recommender.Prior!).Disposed);
    }

    private sealed class FileScorer(float value) : ISavableScorer, IDisposable
    {
        public float Value => value;

        public string Device { get; init; } = "";

        public bool Disposed { get; private set; }

        public string Kind => "file";

        public IReadOnlyList<string> Items => ["i1", "i2"];

        public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores) => scores.Fill(value);

        public Task SaveAsync(string folder, CancellationToken cancellationToken = default)
        {
            Directory.CreateDirectory(folder);
            return File.WriteAllTextAsync(Path.Combine(folder, "value.txt"),
                value.ToString(System.Globalization.CultureInfo.InvariantCulture), cancellationToken);
        }

        public void Dispose() => Disposed = true;
    }

    private sealed class OwnScorer : IItemScorer
    {
        public IReadOnlyList<string> Items => ["i1"];

        public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores) => scores.Fill(1);
    }
}

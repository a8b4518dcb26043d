using System.Text.Json;
using Microsoft.Extensions.Options;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Recipes.Tests;

public sealed class RecipeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-recipe-").FullName;

    private static SplitDataset Data =>
        new LeaveOneOutSplit(RecipePreset.MaxHistory).Split(DemoCatalogue.Create(new DemoCatalogueOptions { Users = 60 }));

    private static float Norm(ReadOnlySpan<float> vector)
    {
        double squares = 0;
        foreach (float value in vector)
        {
            squares += value * (double)value;
        }

        return (float)Math.Sqrt(squares);
    }

    private static RecipePreset Tiny => RecipePreset.Named("smoke") with { BeamWidth = 10, GrpoSteps = 1, HiddenSize = 16, Heads = 2 };

    [Fact]
    public async Task Run_OnADemoCatalogue_LeavesArtifactsAndReport_AndGoesOnFromThem()
    {
        var data = Data;
        data = data with { Index = Grid(data.ItemIds) };
        var observer = new Recorder();
        RecipeOptions Options(string? sft) =>
            new() { Preset = Tiny, Baselines = ["popularity", "sequential-rules"], Output = _folder, SftModel = sft, MaxTestRows = 40 };

        using var first = await new Recipe(Options(null)).RunAsync(data, observer);

        Assert.Equal(
            ["popularity", "sequential-rules", "minionerec-sft", "minionerec-grpo", "minionerec"],
            first.Report.Models.Select(model => model.Name));
        Assert.Equal(
            ["evaluate popularity", "evaluate sequential-rules", "embeddings", "sft", "sft shares", "evaluate minionerec-sft", "grpo",
            "grpo shares", "evaluate minionerec-grpo", "shares", "evaluate minionerec"],
            observer.Started.Where(stage => !stage.Contains("penalty", StringComparison.Ordinal)));
        Assert.Equal(observer.Started, observer.Finished);
        Assert.All(observer.Progress, progress => Assert.Contains(progress.Stage, observer.Started));
        var content = first.Recommender.Model.Content!.Content;         // terms of the texts, and 128 numbers of behaviour
        var terms = await EmbeddingTable.LoadAsync(Path.Combine(_folder, "embeddings.npy"));
        Assert.Equal((terms.Width + 128, data.Items.Count), (content.Width, content.KnownCount));
        Assert.All(Enumerable.Range(0, data.Items.Count), row => Assert.Equal(1, Norm(content[row][..terms.Width]), 1e-5f));
        Assert.Contains(Enumerable.Range(0, data.Items.Count), row => Norm(content[row][terms.Width..]) > 0.999f);
        foreach (
            string name in (string[])["sft/minionerec.json", "grpo/minionerec.json", "model/minionerec.json", "report.json", "report.md"])
        {
            Assert.True(File.Exists(Path.Combine(_folder, name)), name);
        }

        using var again = await new Recipe(Options(Path.Combine(_folder, "sft"))).RunAsync(data);

        Assert.Equal(Figures(first, "minionerec-sft"), Figures(again, "minionerec-sft"));
    }

    [Fact]
    public async Task Run_WithItemVectors_ServesWhatHelps_AndKnowsItsVectors()
    {
        var data = Data;
        data = data with { Index = Grid(data.ItemIds) };
        string vectors = Path.Combine(_folder, "vectors.npy"), others = Path.Combine(_folder, "others.npy");
        await Vectors(data.ItemIds.Count, seed: 1).SaveAsync(vectors);
        await Vectors(data.ItemIds.Count, seed: 2).SaveAsync(others);
        RecipeOptions Options(string file, string? sft = null) => new()
        {
            Preset = Tiny with { CodesFromContent = true, ContentAtInput = true }, Baselines = ["sequential-rules"],
                Output = Path.Combine(_folder, "run"), MaxTestRows = 40,
            Embeddings = file, SftModel = sft,
        };

        using var result = await new Recipe(Options(vectors)).RunAsync(data);

        Assert.Equal(["sequential-rules", "minionerec-sft", "minionerec-grpo", "minionerec"],
            result.Report.Models.Select(model => model.Name));
        Assert.True(result.Recommender.Model.Content!.HasHead);
        Assert.Equal(data.Index.Fingerprint, result.Index.Fingerprint);

        string sft = Path.Combine(_folder, "run", "sft");
        using var again = await new Recipe(Options(vectors, sft)).RunAsync(data);
        Assert.Equal(Figures(result, "minionerec-sft"), Figures(again, "minionerec-sft"));
        var refusal = await Assert.ThrowsAsync<InvalidDataException>(() => new Recipe(Options(others, sft)).RunAsync(data));
        Assert.Contains("was trained with vectors of fingerprint", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_NeitherTextNorIndex_LearnsSemanticIdsFromBehaviour()
    {
        var data = Data with { Items = [.. Data.Items.Select(item => new Item { Id = item.Id })] };
        var observer = new Recorder();
        var options = new RecipeOptions
        {
            Preset = Tiny, Baselines = ["text-knn", "mixture"], SkipReinforcement = true, Output = _folder, MaxTestRows = 10,
            Budget = TimeSpan.FromSeconds(20),                          // all passes of the quantizer take half a minute
        };

        using var result = await new Recipe(options).RunAsync(data, observer);

        Assert.Equal(data.ItemIds, result.Index.Items);
        Assert.Contains("collaborative vectors", observer.Started);
        Assert.True(result.Recommender.Model.Content!.HasHead);
        Assert.Equal(128, result.Recommender.Model.Content.Content.Width);
        Assert.Equal(["mixture", "minionerec-sft", "minionerec"], result.Report.Models.Select(model => model.Name));
    }

    [Fact]
    public async Task Run_IndexButNeitherTextNorBehaviour_TrainsTheCodesAlone()
    {
        var data = Data with
        {
            Index = Grid(Data.ItemIds), Items = [.. Data.Items.Select(item => new Item { Id = item.Id })],
            TrainSequences = [.. Data.TrainSequences.SelectMany((user, i) => user.ItemIds.Take(1).Select(item =>
                new UserSequence($"{i}", [item, item])))],
        };
        var observer = new Recorder();
        var options = new RecipeOptions
        {
            Preset = Tiny, Baselines = [], SkipReinforcement = true, Output = _folder, MaxTestRows = 10,
        };

        using var result = await new Recipe(options).RunAsync(data, observer);

        Assert.Null(result.Recommender.Model.Content);
    }

    [Fact]
    public async Task Run_NeitherTextNorIndexNorBehaviour_SaysWhatToGive()
    {
        var data = Data with
        {
            Items = [.. Data.Items.Select(item => new Item { Id = item.Id })],
            TrainSequences = [.. Data.TrainSequences.Select(user =>
            user with { ItemIds = [user.ItemIds[0]], Timestamps = null, EventTypes = null, Weights = null })],
        };

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => new Recipe(new RecipeOptions { Output = _folder }).RunAsync(data));

        Assert.Contains("no text to learn semantic IDs from", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_Embeddings_GiveTheVectorBaselinesAndLeaveTheIndex()
    {
        var data = Data with { Index = Grid(Data.ItemIds) };
        string file = Path.Combine(_folder, "minilm.npy");
        float[] values = [.. Enumerable.Range(0, 4 * data.Items.Count).Select(i => (i * 7919 % 101) / 101f - 0.5f)];
        await new EmbeddingTable(data.Items.Count, 4, values).SaveAsync(file);
        await File.WriteAllLinesAsync(Path.Combine(_folder, "minilm.ids.txt"), data.ItemIds.Reverse());
        var options = new RecipeOptions
        {
            Preset = Tiny, Baselines = ["text-knn", "star", "mixture"], SkipReinforcement = true, Output = _folder, MaxTestRows = 10,
                Embeddings = file,
        };

        using var result = await new Recipe(options).RunAsync(data);

        Assert.Equal(data.Index.Fingerprint, result.Index.Fingerprint);
        Assert.Equal(["text-knn", "star", "mixture", "minionerec-sft", "minionerec"], result.Report.Models.Select(model => model.Name));
        var mixture = JsonSerializer.SerializeToElement(result.Report.Details!["mixture"]);
        Assert.Equal(1, mixture.GetProperty("weights").EnumerateObject().Sum(part => part.Value.GetDouble()), 1e-9);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Run_ServedModel_IsNotBelowTheBestBaselineOnTheValidationRows(bool vectors)
    {
        var data = Data with { Index = Grid(Data.ItemIds) };
        string? file = vectors ? Path.Combine(_folder, "vectors.npy") : null;
        if (file is not null)
        {
            await Vectors(data.ItemIds.Count, seed: 1).SaveAsync(file);
        }

        string[] names = ["popularity", "sequential-rules", "item-knn", "text-knn", "star", "mixture", "sasrec"];
        var options = new RecipeOptions
        {
            Preset = Tiny with { BeamWidth = 600, SasRecEpochs = 2 }, Baselines = names, SkipReinforcement = true, Output = _folder,
                MaxTestRows = 10, Embeddings = file,
        };

        // A model that learned next to nothing: all that is good about it are its parts.
        using var result = await new Recipe(options).RunAsync(data);

        var evaluator = new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [10], BootstrapSamples = 0 });
        async Task<double> ValueAsync(IRecommender recommender)
        {
            var report = await evaluator.EvaluateAsync(recommender, data.Validation);
            return report.Item["HR", 10] * report.Item["NDCG", 10];
        }

        double served = await ValueAsync(result.Recommender);
        var tuned = JsonSerializer.SerializeToElement(result.Report.Details!["shares"]).GetProperty("validation");
        Assert.Equal(tuned.GetProperty("HR@10").GetDouble() * tuned.GetProperty("NDCG@10").GetDouble(), served, 1e-9);
        var items = data.ItemIds;
        foreach (var baseline in (IRecommender[])[new PopularityRecommender(data.TrainSequences, items),
            new SequentialRulesRecommender(data.TrainSequences, items), new ItemKnnRecommender(data.TrainSequences, items)])
        {
            Assert.True(served >= await ValueAsync(baseline), baseline.Name);
        }

        var mixture = JsonSerializer.SerializeToElement(result.Report.Details["mixture"]).GetProperty("validation");
        Assert.True(served >= mixture.GetProperty("HR@10").GetDouble() * mixture.GetProperty("NDCG@10").GetDouble());
    }

    [Fact]
    public async Task Run_Auto_ChoosesByTheDataAndTheBudget()
    {
        var data = Data with { Index = Grid(Data.ItemIds) };
        var observer = new Recorder();
        var options = new RecipeOptions
        {
            Preset = RecipePreset.Named("auto") with { HiddenSize = 16, Heads = 2, SftEpochs = 1 }, Budget = TimeSpan.FromMinutes(4),
                Baselines = ["sequential-rules"], SkipReinforcement = true, Output = _folder, MaxTestRows = 10,
        };

        using var result = await new Recipe(options).RunAsync(data, observer);

        Assert.Contains("width 16, 1 passes", (string)result.Report.Details!["auto"], StringComparison.Ordinal);
        Assert.Contains(observer.Messages, text => text.StartsWith("Chosen for 60 users", StringComparison.Ordinal));
        Assert.Equal("minionerec", result.Report.Models[^1].Name);
    }

    [Fact]
    public async Task Run_ModelOfAnotherIndex_IsRefused()
    {
        var data = Data with { Index = Grid(Data.ItemIds) };
        var first = new RecipeOptions { Preset = Tiny, Baselines = [], SkipReinforcement = true, Output = _folder, MaxTestRows = 10 };
        using (await new Recipe(first).RunAsync(data))
        {
        }

        var other = data with { Index = Grid([.. data.ItemIds.Reverse()]) };
        var options = new RecipeOptions { Preset = Tiny, Baselines = [], Output = _folder, SftModel = Path.Combine(_folder, "sft") };
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => new Recipe(options).RunAsync(other));

        Assert.Contains("another index", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_UnknownBaselineOrDevice_AreRefusedTogether()
    {
        var error = Assert.Throws<OptionsValidationException>(
            () => new Recipe(new RecipeOptions { Baselines = ["bert"], Device = "tpu", Budget = TimeSpan.Zero }));

        Assert.Contains("'bert' not known", error.Message, StringComparison.Ordinal);
        Assert.Contains("Budget is 00:00:00", error.Message, StringComparison.Ordinal);
        Assert.Contains("'cuda:N'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Preset_Unknown_NamesTheOnesThereAre()
    {
        Assert.Contains("sparse", Assert.Throws<ArgumentException>(() => RecipePreset.Named("huge")).Message, StringComparison.Ordinal);
        Assert.All(RecipePreset.Names, name => Assert.Equal(name, RecipePreset.Named(name).Name));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static IReadOnlyDictionary<string,
        double> Figures(RecipeResult result, string model) => result.Report.Models.Single(entry => entry.Name == model).Item;

    private static EmbeddingTable Vectors(int count, int seed)
    {
        var random = new Random(seed);
        return new EmbeddingTable(count, 6, [.. Enumerable.Range(0, count * 6).Select(_ => random.NextSingle())]);
    }

    private static SemanticIdIndex Grid(IReadOnlyList<string> items) =>
        new(items.Select((item, row) => KeyValuePair.Create(item, new SemanticId([row / 24, row % 24]))));

    private sealed class Recorder : IRecipeObserver
    {
        public List<string> Messages { get; } = [];

        public List<string> Started { get; } = [];

        public List<string> Finished { get; } = [];

        public List<TrainingProgress> Progress { get; } = [];

        public void OnStarted(string stage) => Started.Add(stage);

        public void OnProgress(TrainingProgress progress) => Progress.Add(progress);

        public void OnMessage(string text) => Messages.Add(text);

        public void OnFinished(string stage, TimeSpan elapsed) => Finished.Add(stage);
    }
}

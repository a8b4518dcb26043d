using System.Text.Json;
using MiniOneRec.Datasets;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Recipes.Tests;

/// <summary>How the time of a run is divided, and what a quantizer does whose share is over.</summary>
public sealed class BudgetTests : IDisposable
{
    private const int Items = 1_000;
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-budget-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_quantizer_gets_a_fifth_of_what_other_stages_have_left_and_its_own_time_counts()
    {
        static TimeSpan? Share(params (string Stage, double Seconds)[] earlier) => new RecipeClock(
            TimeSpan.FromSeconds(1_000), earlier.ToDictionary(stage => stage.Stage, stage => stage.Seconds)).ForIndex(null);

        Assert.Equal(200, Share()!.Value.TotalSeconds, 1.0);
        Assert.Equal(200, Share(("quantizer", 150))!.Value.TotalSeconds, 1.0);
        Assert.Equal(180, Share(("embeddings", 100), ("quantizer", 150))!.Value.TotalSeconds, 1.0);
        Assert.Equal(1, Share(("embeddings", 2_000))!.Value.TotalSeconds, 0.1);

        var unbounded = new RecipeClock(null, new Dictionary<string, double>());
        Assert.Null(unbounded.ForIndex(null));
        Assert.Equal(720, unbounded.ForIndex(AutoPreset.DefaultBudget)!.Value.TotalSeconds, 1.0);
        Assert.Null(unbounded.ForSft(reinforces: false));
    }

    [Fact]
    public async Task A_quantizer_whose_share_is_over_gives_a_whole_index_and_the_report_says_so()
    {
        // All of its passes take half a minute; a second is its share of next to nothing.
        var options = new RecipeOptions
        {
            Preset = RecipePreset.Named("smoke") with { BeamWidth = 5, HiddenSize = 16, Heads = 2 }, Baselines = [], Output = _folder,
            Embeddings = await VectorsAsync(), MaxTestRows = 10, SkipReinforcement = true, Resume = true, Budget = TimeSpan.FromTicks(1),
        };
        var messages = new Messages();

        using var result = await new Recipe(options).RunAsync(Data(), messages);

        var quantizer = JsonSerializer.SerializeToElement(result.Report.Details!["quantizer"]);
        Assert.Equal("time is over", quantizer.GetProperty("stopReason").GetString());
        Assert.Equal(500, quantizer.GetProperty("plannedPasses").GetInt32());
        Assert.InRange(quantizer.GetProperty("passes").GetDouble(), 0.1, 499);
        Assert.InRange(quantizer.GetProperty("unexplained").GetDouble(), 0.001, 1.5);
        Assert.Contains(messages.All, text => text.StartsWith("The quantizer's share of the time is over", StringComparison.Ordinal));
        Assert.Equal((Items, Items), (result.Index.Count, result.Index.DistinctCount));
        Assert.Contains("before these were through with their plan: quantizer", HtmlReport.Write(result.Report), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Items_that_a_quantizer_cannot_tell_apart_get_codes_from_balanced_clusters()
    {
        // Two vectors for 40 items: no prefix has codes for twenty.
        float[] values = [.. Enumerable.Range(0, 40 * 4).Select(i => (float)(i / 4 % 2 == i % 2 ? 1 : 0))];
        string vectors = Path.Combine(_folder, "alike.npy");
        await new EmbeddingTable(40, 4, values).SaveAsync(vectors);
        var options = new RecipeOptions
        {
            Preset = RecipePreset.Named("smoke") with { BeamWidth = 5, HiddenSize = 16, Heads = 2 }, Baselines = [], Output = _folder,
            Embeddings = vectors, MaxTestRows = 10, SkipReinforcement = true, Budget = TimeSpan.FromSeconds(5),
        };
        var messages = new Messages();
        var data = Data();

        using var result = await new Recipe(options).RunAsync(data with { Items = [.. data.Items.Take(40)] }, messages);

        Assert.Contains(messages.All, text => text.Contains("Balanced clusters take its place", StringComparison.Ordinal));
        Assert.Equal((40, 40), (result.Index.Count, result.Index.DistinctCount));
        using var saved = await QuantizerFolder.LoadAsync(Path.Combine(_folder, "quantizer"));
        Assert.IsType<RqKMeansQuantizer>(saved);
    }

    private static SplitDataset Data()
    {
        string[] ids = [.. Enumerable.Range(0, Items).Select(item => $"i{item}")];
        string[][] histories = [.. Enumerable.Range(0, 34).Select(user => ids[user..(user + 6)])];
        NextItemExample[] rows = [.. histories.Select((history, user) => new NextItemExample($"u{user}", history[..4], history[4]))];
        return new SplitDataset
        {
            Name = "many", Split = "given", Items = [.. ids.Select(id => new Item { Id = id })],
            TrainSequences = [.. histories.Select((history, user) => new UserSequence($"u{user}", history[..4]))],
            Train = rows, Validation = rows, Test = rows,
        };
    }

    private async Task<string> VectorsAsync()
    {
        var random = new Random(3);
        float[] values = [.. Enumerable.Range(0, Items * 64).Select(_ => (float)(random.NextDouble() - 0.5))];
        string path = Path.Combine(_folder, "vectors.npy");
        await new EmbeddingTable(Items, 64, values).SaveAsync(path);
        return path;
    }

    private sealed class Messages : IRecipeObserver
    {
        public List<string> All { get; } = [];

        public void OnMessage(string text) => All.Add(text);
    }
}

using System.Text.Json;
using Microsoft.Extensions.Options;
using MiniOneRec.Datasets;

namespace MiniOneRec.Recipes.Tests;

public sealed class ResumeTests(ResumeTests.UnbrokenRun unbroken) : IClassFixture<ResumeTests.UnbrokenRun>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-resume-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("sasrec", 1)]
    [InlineData("sft", 2)]
    [InlineData("grpo", 1)]
    [InlineData("evaluate minionerec-sft", 1)]
    [InlineData("shares", 1)]
    public async Task A_run_that_was_stopped_goes_on_to_the_same_bits(string stage, int step)
    {
        await unbroken.EndAsync();
        using var stop = new CancellationTokenSource();
        var first = new Watcher(progress => progress.Stage == stage && progress.Step >= step, stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new Recipe(Options("stopped")).RunAsync(Data, first, stop.Token));
        var second = new Watcher();
        using var result = await new Recipe(Options("stopped")).RunAsync(Data, second);

        Assert.Equal(BytesIn(unbroken.Folder), Bytes("stopped"));
        Assert.Equal(ReportIn(unbroken.Folder), Report("stopped"));
        var repeated = second.Started.Intersect(first.Finished, StringComparer.Ordinal).ToArray();
        Assert.DoesNotContain(repeated, name => name is "quantizer" or "embeddings" or "sasrec" or "sft" or "grpo"
            || name.StartsWith("evaluate", StringComparison.Ordinal));
        Assert.Equal(stage != "sasrec", second.Started.Contains(stage));           // which was over when the run was stopped
        Assert.False(Directory.Exists(In("stopped", "checkpoints")));
    }

    [Fact]
    public async Task A_run_that_was_stopped_while_its_quantizer_learned_goes_on_to_the_same_bits()
    {
        const int Pass = 120;
        Settings Learning(string name) => Options(name) with { Retokenize = true, Baselines = [], SkipReinforcement = true };
        var data = Small();
        using (await new Recipe(Learning("whole")).RunAsync(data))
        {
        }

        using var stop = new CancellationTokenSource();
        var first = new Watcher(progress => progress.Stage == "quantizer" && progress.Step == Pass, stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new Recipe(Learning("stopped")).RunAsync(data, first, stop.Token));
        Assert.True(Directory.Exists(In("stopped", "checkpoints", "index", $"step-{Pass:D9}")));
        var steps = new List<long>();
        var second = new Watcher(progress => progress.Stage == "quantizer" && Noted(steps, progress.Step));
        using var result = await new Recipe(Learning("stopped")).RunAsync(data, second);

        Assert.Equal(Enumerable.Range(Pass + 1, 500 - Pass).Select(step => (long)step), steps);
        Assert.DoesNotContain("embeddings", second.Started);
        Assert.Equal(File.ReadAllBytes(In("whole", "quantizer", "quantizer.safetensors")),
            File.ReadAllBytes(In("stopped", "quantizer", "quantizer.safetensors")));
        Assert.Equal(Bytes("whole"), Bytes("stopped"));
        Assert.Equal(Report("whole"), Report("stopped"));
        Assert.False(Directory.Exists(In("stopped", "checkpoints")));
    }

    [Fact]
    public async Task A_finished_run_is_not_repeated_and_gives_its_results()
    {
        using var first = await new Recipe(Options("run") with { SkipReinforcement = true }).RunAsync(Data);
        byte[] model = Bytes("run");
        var watcher = new Watcher();

        using var again = await new Recipe(Options("run") with { SkipReinforcement = true }).RunAsync(Data, watcher);

        Assert.Empty(watcher.Started);
        Assert.Contains("is finished", Assert.Single(watcher.Messages), StringComparison.Ordinal);
        Assert.Equal(model, Bytes("run"));
        Assert.Equal(first.Index.Fingerprint, again.Index.Fingerprint);
        Assert.Equal(first.Report.Models.Select(entry => entry.Item["NDCG@10"]),
            again.Report.Models.Select(entry => entry.Item["NDCG@10"]));
        string[] history = ["espresso-1a", "espresso-1b"];
        Assert.Equal((await first.Recommender.RecommendAsync(history, 5)).Items,
            (await again.Recommender.RecommendAsync(history, 5)).Items);
    }

    [Fact]
    public async Task A_folder_of_other_settings_data_or_version_is_refused_until_it_is_forgotten()
    {
        await StoppedAsync();
        async Task<string> RefusalAsync(RecipeOptions options, SplitDataset data) =>
            (await Assert.ThrowsAsync<InvalidDataException>(() => new Recipe(options).RunAsync(data))).Message;

        Assert.Contains("seed (42 there, 7 here)", await RefusalAsync(Options("run") with { Seed = 7 }, Data), StringComparison.Ordinal);
        Assert.Contains("preset.hiddenSize (16 there, 32 here)",
            await RefusalAsync(Options("run") with { Preset = Tiny with { HiddenSize = 32 } }, Data), StringComparison.Ordinal);
        Assert.Contains("other data",
            await RefusalAsync(Options("run"), Data with { Test = [.. Data.Test.Skip(1)] }), StringComparison.Ordinal);
        string journal = In("run", "journal.json");
        var manifest = await ArtifactManifest.LoadAsync(journal);
        await (manifest with { LibraryVersion = "0.0.1" }).SaveAsync(journal);
        string message = await RefusalAsync(Options("run"), Data);
        Assert.Contains("belongs to version 0.0.1", message, StringComparison.Ordinal);
        Assert.Contains("Recipe.Forget", message, StringComparison.Ordinal);

        Recipe.Forget(In("run"));

        Assert.False(File.Exists(journal));
        using var result = await new Recipe(Options("run") with { Seed = 7, SkipReinforcement = true, Baselines = [] }).RunAsync(Data);
    }

    [Fact]
    public async Task A_damaged_journal_is_named()
    {
        await StoppedAsync();
        string journal = In("run", "journal.json");
        await File.WriteAllTextAsync(journal,
            (await File.ReadAllTextAsync(journal)).Replace("\"sft\"", "\"tfs\"", StringComparison.Ordinal)[..^9]);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => new Recipe(Options("run")).RunAsync(Data));

        Assert.Contains("journal.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_budget_ends_both_trainings()
    {
        var options = Options("run") with { Baselines = [], Resume = false, Budget = TimeSpan.FromTicks(1),
            Preset = Tiny with { SftEpochs = 9_000, GrpoSteps = 90_000 } };

        using var result = await new Recipe(options).RunAsync(Data);

        foreach (string stage in (string[])["sft", "grpo"])
        {
            Assert.Equal("time is over",
                JsonSerializer.SerializeToElement(result.Report.Details![stage]).GetProperty("stopReason").GetString());
        }

        Assert.Contains("Budget",
            Assert.Throws<OptionsValidationException>(() => new Recipe(options with { Budget = TimeSpan.Zero })).Message,
            StringComparison.Ordinal);
    }

    private static bool Noted(List<long> steps, long step)
    {
        steps.Add(step);
        return false;
    }

    private static RecipePreset Tiny =>
        RecipePreset.Named("smoke") with { BeamWidth = 10, GrpoSteps = 2, HiddenSize = 16, Heads = 2, SftEpochs = 4 };

    private static SplitDataset Data =>
        new LeaveOneOutSplit(RecipePreset.MaxHistory).Split(DemoCatalogue.Create(new DemoCatalogueOptions { Users = 60 })) is var data
            ? data with { Index = new(data.ItemIds.Select((item, row) => KeyValuePair.Create(item, new SemanticId([row / 24, row % 24])))) }
            : throw new InvalidOperationException();

    // A quantizer of so few items learns in seconds.
    private static SplitDataset Small()
    {
        string[] ids = [.. Enumerable.Range(0, 24).Select(item => $"i{item}")], rooms = ["kitchen", "hall", "office", "garden", "garage"];
        return new LeaveOneOutSplit(RecipePreset.MaxHistory).Split(new InteractionDataset
        {
            Name = "small",
            Items = [.. ids.Select((id, row) => new Item { Id = id, Title = $"{(row % 3 == 0 ? "red" : "blue")} {rooms[row % 5]} lamp" })],
            Sequences = [.. Enumerable.Range(0, 30).Select(user =>
                new UserSequence($"u{user}", [.. Enumerable.Range(user, 7).Select(step => ids[step % 24])]))],
        });
    }

    private Settings Options(string name) => OptionsIn(In(name));

    private static Settings OptionsIn(string folder) => new()
    {
        Preset = Tiny, Baselines = ["popularity", "sasrec"], Output = folder, MaxTestRows = 30, Resume = true,
    };

    private async Task StoppedAsync()
    {
        using var stop = new CancellationTokenSource();
        var watcher = new Watcher(progress => progress.Stage == "sft" && progress.Step == 2, stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new Recipe(Options("run")).RunAsync(Data, watcher, stop.Token));
    }

    private string In(params string[] names) => Path.Combine([_folder, .. names]);

    private byte[] Bytes(string name) => BytesIn(In(name));

    private static byte[] BytesIn(string folder) => File.ReadAllBytes(Path.Combine(folder, "model", "model.safetensors"));

    private string Report(string name) => ReportIn(In(name));

    // Everything that is no time and no size of the process.
    private static string ReportIn(string folder)
    {
        var report = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "report.json")))!.AsObject();
        report.Remove("stageSeconds");
        foreach (var model in report["models"]!.AsArray())
        {
            model!.AsObject().Remove("seconds");
            model.AsObject().Remove("evaluationSeconds");
        }

        foreach (var (_, details) in report)
        {
            foreach (var point in (details as System.Text.Json.Nodes.JsonObject)?["history"]?.AsArray() ?? [])
            {
                foreach (string figure in point!.AsObject().Select(pair => pair.Key).Where(IsOfTheMachine).ToArray())
                {
                    point.AsObject().Remove(figure);
                }
            }
        }

        return report.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

    private static bool IsOfTheMachine(string figure) => figure.Contains("second", StringComparison.Ordinal)
        || figure.Contains("per_", StringComparison.Ordinal)
        || figure == "memory_mb";

    /// <summary>The run that nothing stops, which ends once for all tests that compare with it.</summary>
    public sealed class UnbrokenRun : IDisposable
    {
        private Task? _ended;

        public string Folder { get; } = Directory.CreateTempSubdirectory("minionerec-unbroken-").FullName;

        public Task EndAsync() => _ended ??= RunAsync();

        public void Dispose() => Directory.Delete(Folder, recursive: true);

        private async Task RunAsync()
        {
            using var result = await new Recipe(OptionsIn(Folder)).RunAsync(Data);
        }
    }

    /// <summary>The recipe's options, which <see langword="with"/> changes.</summary>
    private sealed record Settings
    {
        public required RecipePreset Preset { get; init; }

        public required IReadOnlyList<string> Baselines { get; init; }

        public required string Output { get; init; }

        public int? MaxTestRows { get; init; }

        public bool Resume { get; init; }

        public bool SkipReinforcement { get; init; }

        public bool Retokenize { get; init; }

        public int Seed { get; init; } = 42;

        public TimeSpan? Budget { get; init; }

        public static implicit operator RecipeOptions(Settings settings) => new()
        {
            Preset = settings.Preset, Baselines = settings.Baselines, Output = settings.Output, MaxTestRows = settings.MaxTestRows,
            Resume = settings.Resume, SkipReinforcement = settings.SkipReinforcement, Seed = settings.Seed, Budget = settings.Budget,
            Retokenize = settings.Retokenize,
        };
    }

    private sealed class Watcher(Func<TrainingProgress, bool>? stops = null, CancellationTokenSource? stop = null) : IRecipeObserver
    {
        public List<string> Started { get; } = [];

        public List<string> Finished { get; } = [];

        public List<string> Messages { get; } = [];

        public void OnStarted(string stage) => Started.Add(stage);

        public void OnFinished(string stage, TimeSpan elapsed) => Finished.Add(stage);

        public void OnMessage(string text) => Messages.Add(text);

        public void OnProgress(TrainingProgress progress)
        {
            if (stops?.Invoke(progress) == true)
            {
                stop!.Cancel();
            }
        }
    }
}

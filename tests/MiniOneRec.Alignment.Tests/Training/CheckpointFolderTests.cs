using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using TorchSharp;

namespace MiniOneRec.Tests;

public sealed class CheckpointFolderTests
{
    private static readonly NextItemExample[] Validation = [new("v", ["0", "5"], "10"), new("w", ["3"], "8"), new("x", ["1", "6"], "11")];

    [Fact]
    public async Task Resume_OfOtherWeightsRowsOrTasks_IsRefused_AndNothingChanges()
    {
        using var folder = new TemporaryFolder();
        using var first = Toy.Recommender(16).Recommender;
        await new SftTrainer(Options(folder["run"])).TrainAsync(first, Data(first), Validation);
        var before = Hashes(folder["run"]);

        async Task<string> Refusal(NextItemExample[]? validation, IAlignmentTask[] tasks, bool otherWeights = false)
        {
            using var model = Toy.Recommender(16).Recommender;
            if (otherWeights)
            {
                using var noGrad = torch.no_grad();
                model.Model.EmbeddingWeight[0, 0].add_(0.001);
            }

            float[] weights = Toy.Weights(model.Model);
            var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
                new SftTrainer(tasks, Options(folder["run"])).TrainAsync(model, Data(model), validation));
            Assert.Equal(weights, Toy.Weights(model.Model));
            return error.Message;
        }

        Assert.Contains("weights at the start are others", await Refusal(Validation, [new NextItemTask()], otherWeights: true),
            StringComparison.Ordinal);
        Assert.Contains("validation (", await Refusal(Validation[..2], [new NextItemTask()]), StringComparison.Ordinal);
        Assert.Contains("validation (", await Refusal(null, [new NextItemTask()]), StringComparison.Ordinal);
        string tasks = await Refusal(Validation, [new NextItemTask(), new Constant()]);
        Assert.Contains("tasks (next-sid there, next-sid, other here)", tasks, StringComparison.Ordinal);
        Assert.Contains("Give another Checkpoints.Folder, or set Checkpoints.Resume to false", tasks, StringComparison.Ordinal);
        Assert.Equal(before, Hashes(folder["run"]));
    }

    [Fact]
    public async Task Resume_WithAnotherFolderForAdapters_GoesOn()
    {
        using var folder = new TemporaryFolder();
        var options = Options(folder["run"]);
        options.Lora = new LoraOptions { Rank = 2, SaveTo = folder["first"] };
        using var first = Toy.Recommender(16).Recommender;
        var expected = await new SftTrainer(options).TrainAsync(first, Data(first), Validation);
        options.Lora.SaveTo = folder["second"];
        using var again = Toy.Recommender(16).Recommender;

        var result = await new SftTrainer(options).TrainAsync(again, Data(again), Validation);

        Assert.Equal((expected.Steps, expected.BestValidation), (result.Steps, result.BestValidation));
        Assert.Equal(Toy.Weights(first.Model), Toy.Weights(again.Model));
        Assert.True(File.Exists(folder["second/adapter_model.safetensors"]));
        options.Lora.Rank = 4;
        using var other = Toy.Recommender(16).Recommender;
        var error = await Assert.ThrowsAsync<InvalidDataException>(
            () => new SftTrainer(options).TrainAsync(other, Data(other), Validation));
        Assert.Contains("lora.rank (2 there, 4 here)", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("saveTo", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelled_GoesOnWithTheModelInMemory()
    {
        using var folder = new TemporaryFolder();
        using var whole = Toy.Recommender(16).Recommender;
        await new SftTrainer(Options(null)).TrainAsync(whole, Data(whole), Validation);
        using var model = Toy.Recommender(16).Recommender;
        using var cancellation = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new SftTrainer(Options(folder["run"]))
            .TrainAsync(model, Data(model), Validation, new CancelAt(5, cancellation), cancellation.Token));

        await new SftTrainer(Options(folder["run"])).TrainAsync(model, Data(model), Validation);

        Assert.Equal(Toy.Weights(whole.Model), Toy.Weights(model.Model));
    }

    [Theory]
    [InlineData("step-000000005/state.safetensors")]
    [InlineData("step-000000005/state.json")]
    [InlineData("best-")]
    public async Task Resume_FlippedBit_IsRefusedWithTheFilesName(string name)
    {
        using var folder = new TemporaryFolder();
        using var model = Toy.Recommender(16).Recommender;
        using var cancellation = new CancellationTokenSource();
        var options = Options(folder["run"]);
        options.Validations = 100;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new SftTrainer(options).TrainAsync(model, Data(model), Validation, new CancelAt(5, cancellation), cancellation.Token));
        string path = name == "best-" ? Directory.GetFiles(folder["run"], "best-*").Single() : Path.Combine(folder["run"], name);
        byte[] whole = await File.ReadAllBytesAsync(path);
        foreach (int at in Enumerable.Range(0, 40).Select(i => (int)((long)whole.Length * i / 40)))
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= (byte)(1 << (at % 8));
            await File.WriteAllBytesAsync(path, flipped);
            using var again = Toy.Recommender(16).Recommender;

            var error =
                await Assert.ThrowsAsync<InvalidDataException>(() => new SftTrainer(options).TrainAsync(again, Data(again), Validation));
            Assert.Contains(Path.GetFileName(path), error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Checkpoint_OfVersion01_IsContinued()
    {
        using var folder = new TemporaryFolder();
        using var whole = Toy.Recommender(16).Recommender;
        await new SftTrainer(Options(null)).TrainAsync(whole, Data(whole), Validation);
        using var model = Toy.Recommender(16).Recommender;
        using var cancellation = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new SftTrainer(Options(folder["run"]))
            .TrainAsync(model, Data(model), Validation, new CancelAt(5, cancellation), cancellation.Token));

        // What version 0.1 wrote: no hashes, no checksum, no environment, fewer fingerprints.
        string path = folder["run/step-000000005/state.json"];
        var json = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        json.Remove("files");
        json.Remove("checksum");
        json["options"]!.AsObject().Remove("environment");
        foreach (string key in json["madeFrom"]!.AsObject().Select(pair => pair.Key).Where(key => key is not ("model" or "data")).ToArray())
        {
            json["madeFrom"]!.AsObject().Remove(key);
        }

        foreach (var best in json["options"]!["state"]!["best"]!.AsArray())
        {
            best!.AsObject().Remove("sha256");
        }

        await File.WriteAllTextAsync(path, json.ToJsonString());
        using var resumed = Toy.Recommender(16).Recommender;

        await new SftTrainer(Options(folder["run"])).TrainAsync(resumed, Data(resumed), Validation);

        Assert.Equal(Toy.Weights(whole.Model), Toy.Weights(resumed.Model));
    }

    [Theory]
    [InlineData("""null""", "is missing")]
    [InlineData("""{"step":null}""", "options.state")]
    [InlineData("""{"step":1e999}""", "options.state")]
    [InlineData("""{"step":-1}""", "negative")]
    [InlineData("""{"best":null}""", "options.state")]
    [InlineData("""{"best":[null]}""", "negative")]
    [InlineData("""[]""", "options.state")]
    public void Load_StateOfOtherTypes_NamesFileAndKey(string state, string problem)
    {
        using var folder = new TemporaryFolder();
        using var value = torch.ones(4);
        Checkpoint(folder.Root).Save(new SftState { Step = 5 }, [("w", value)]);
        string path = folder["step-000000005/state.json"];
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json.Remove("files");
        json.Remove("checksum");
        json["options"]!["state"] = JsonNode.Parse(state);
        File.WriteAllText(path, json.ToJsonString());

        var error = Assert.Throws<InvalidDataException>(() => Checkpoint(folder.Root).Load([("w", value)]));

        Assert.Contains("state.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Begin_LeavesFilesOfOthersAlone()
    {
        using var folder = new TemporaryFolder();
        string[] mine = ["step-1/notes.txt", "step-by-step.md", "best-model.safetensors", "best-practices.txt", "step-000000003/mine.txt",
            "step-000000004.tmp-notes", "data.csv"];
        foreach (string name in mine)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder[name])!);
            await File.WriteAllTextAsync(folder[name], "mine");
        }

        foreach (bool resume in (bool[])[true, false])
        {
            using var model = Toy.Recommender(16).Recommender;
            var options = Options(folder.Root);
            options.Checkpoints.Resume = resume;
            await new SftTrainer(options).TrainAsync(model, Data(model), Validation);
        }

        Assert.All(mine, name => Assert.Equal("mine", File.ReadAllText(folder[name])));
    }

    [Theory]
    [InlineData("checkpoint.json")]
    [InlineData("minionerec.json")]
    [InlineData("manifest.json")]
    public async Task Begin_InTheFolderOfAnotherArtifact_IsRefused(string manifest)
    {
        using var folder = new TemporaryFolder();
        await new ArtifactManifest { Kind = "grpo-checkpoint" }.SaveAsync(folder[manifest]);
        using var model = Toy.Recommender(16).Recommender;

        var error =
            await Assert.ThrowsAsync<IOException>(() => new SftTrainer(Options(folder.Root)).TrainAsync(model, Data(model), Validation));

        Assert.Contains(manifest, error.Message, StringComparison.Ordinal);
        Assert.Equal([folder[manifest]], Directory.GetFileSystemEntries(folder.Root));
    }

    [Fact]
    public async Task Resume_InAnotherEnvironment_Warns_AndGoesOn()
    {
        using var folder = new TemporaryFolder();
        using var first = Toy.Recommender(16).Recommender;
        using var cancellation = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new SftTrainer(Options(folder["run"]))
            .TrainAsync(first, Data(first), Validation, new CancelAt(5, cancellation), cancellation.Token));
        string path = folder["run/step-000000005/state.json"];
        var manifest = await ArtifactManifest.LoadAsync(path);
        Assert.Equal(RunEnvironment.Current(), RunEnvironment.From(manifest.Options["environment"]));
        manifest.Options["environment"] = (RunEnvironment.Current() with { Threads = 77 }).ToJson();
        await manifest.SaveAsync(path);
        var log = new Lines();
        using var second = Toy.Recommender(16).Recommender;

        await new SftTrainer(Options(folder["run"]), log).TrainAsync(second, Data(second), Validation);

        Assert.Contains(log.Messages,
            line => line.StartsWith("Warning", StringComparison.Ordinal) && line.Contains("77 threads", StringComparison.Ordinal));
    }

    private static RunCheckpoint<SftState> Checkpoint(string folder) =>
        new(folder, SftIdentity.Of(new SftOptions(), new Dictionary<string, string> { ["model"] = "m" }));

    private static Dictionary<string, string> Hashes(string folder) => Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
        .ToDictionary(path => path, path => ArtifactManifest.HashFileAsync(path).GetAwaiter().GetResult());

    private static AlignmentData Data(GenerativeRecommender recommender) =>
        new(recommender.Index, Toy.Users());

    private static SftOptions Options(string? folder, int epochs = 4) => new()
    {
        Epochs = epochs, BatchSize = 3, WarmupSteps = 3, Validations = 5, Checkpoints = { Folder = folder, Every = 4 },
            MicroBatchTokens = 40, Validation = ValidationMetric.Loss,
    };

    private sealed class Constant : IAlignmentTask
    {
        public string Name => "other";

        public double Weight => 1;

        public IEnumerable<TokenSample> CreateSamples(TaskContext context) => [TokenSample.Of([1, 8], [9, 12], Name, Name)];
    }

    private sealed class Lines : ILogger<SftTrainer>
    {
        public List<string> Messages { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter) =>
            Messages.Add($"{logLevel} {formatter(state, exception)}");
    }
}

using System.Text.Json.Nodes;
using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class PolicyCheckpointTests : IDisposable
{
    private static readonly NextItemExample[] Users =
        [.. Enumerable.Range(0, 8).Select(u => new NextItemExample($"u{u}", [$"i{u}", $"i{u + 8}"], $"i{(u * 3) % 20}"))];

    private readonly string _folder = Path.Combine(Path.GetTempPath(), "policy-" + Guid.NewGuid().ToString("N"));

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Fact]
    public async Task Resume_OfAnotherRun_NamesWhatDiffers_AndChangesNothing()
    {
        await InterruptedAsync();
        var before = Hashes();

        async Task<string> Refusal(IRewardFunction[]? rewards = null, IRolloutSampler? sampler = null, NextItemExample[]? validation = null, int seed = 3, bool reference = false)
        {
            using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]), seed);
            using var other = Toy.Recommender(Toy.Index(20, [4, 4, 4]), 9);
            float[] weights = Weights(model);
            var trainer = new GrpoTrainer(rewards ?? Rewards, Options(), sampler ?? new RandomRolloutSampler()) { Reference = reference ? other.Model : null };
            var error = await Assert.ThrowsAsync<InvalidDataException>(() => trainer.TrainAsync(model, Users, validation ?? Users));
            Assert.Equal(weights, Weights(model));
            Assert.Contains("Checkpoints.Resume to false", error.Message, StringComparison.Ordinal);
            return error.Message;
        }

        Assert.Contains("rewards is 1 * exact-match", await Refusal([new ExactMatchReward()]), StringComparison.Ordinal);
        Assert.Contains("0.5 * shared-prefix", await Refusal([new ExactMatchReward(), new WeightedReward(new SharedPrefixReward(), 0.5)]), StringComparison.Ordinal);
        Assert.Contains("temperature 2", await Refusal(sampler: new RandomRolloutSampler(2)), StringComparison.Ordinal);
        Assert.Contains("rollouts is sampling", await Refusal(sampler: new BeamRolloutSampler()), StringComparison.Ordinal);
        Assert.Contains("validation is", await Refusal(validation: Users[1..]), StringComparison.Ordinal);
        Assert.Contains("validation is", await Refusal(validation: []), StringComparison.Ordinal);
        Assert.Contains("weights at the start are", await Refusal(seed: 2), StringComparison.Ordinal);
        Assert.Contains("reference is the policy at the start", await Refusal(reference: true), StringComparison.Ordinal);
        Assert.Equal(before, Hashes());
    }

    [Fact]
    public void Settings_TellRewardsOfOneClassApart()
    {
        static KeyValuePair<string, ReadOnlyMemory<float>> Vector(float x) => new("a", new float[] { 1, x });

        Assert.Equal(new SemanticReward([Vector(1)]).Settings, new SemanticReward([Vector(1)]).Settings);
        Assert.NotEqual(new SemanticReward([Vector(1)]).Settings, new SemanticReward([Vector(2)]).Settings);
        Assert.NotEqual(new DynamicRolloutSampler(null, 2).Settings, new DynamicRolloutSampler(null, 3).Settings);
        Assert.NotEqual(new GumbelRolloutSampler(1).Settings, new GumbelRolloutSampler(2).Settings);
        Assert.NotEqual(new BeamRolloutSampler(BeamScoring.Exact).Settings, new BeamRolloutSampler(BeamScoring.SidOnly).Settings);
    }

    [Theory]
    [InlineData("checkpoint.json")]
    [InlineData("state.safetensors")]
    public async Task Resume_FlippedBit_IsRefusedWithTheFilesName(string file)
    {
        await InterruptedAsync();
        string path = Path.Combine(_folder, file);
        byte[] whole = await File.ReadAllBytesAsync(path);
        foreach (int at in Enumerable.Range(0, 30).Select(i => (int)((long)whole.Length * i / 30)))
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= (byte)(1 << (at % 8));
            await File.WriteAllBytesAsync(path, flipped);
            using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

            var error = await Assert.ThrowsAsync<InvalidDataException>(() => Trainer().TrainAsync(model, Users, Users));
            Assert.Contains(file, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Checkpoint_OfVersion01_IsContinued()
    {
        await InterruptedAsync();
        string path = Path.Combine(_folder, "checkpoint.json");
        var json = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        json.Remove("files");
        json.Remove("checksum");
        foreach (string key in json["madeFrom"]!.AsObject().Select(pair => pair.Key).Where(key => key is not ("index" or "examples")).ToArray())
        {
            json["madeFrom"]!.AsObject().Remove(key);
        }

        await File.WriteAllTextAsync(path, json.ToJsonString());
        using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

        Assert.Equal(6, (await Trainer().TrainAsync(model, Users, Users)).Steps);
    }

    [Theory]
    [InlineData("""{"history":null}""")]
    [InlineData("""{"history":[null]}""")]
    [InlineData("""{"history":[{"step":1,"metrics":null}]}""")]
    [InlineData("""{"startGains":null}""")]
    [InlineData("""{"step":-3}""")]
    [InlineData("""{"step":1e999}""")]
    [InlineData("""{"elapsed":"soon"}""")]
    [InlineData("""7""")]
    public async Task Resume_StateOfOtherTypes_NamesFileAndKey(string state)
    {
        await InterruptedAsync();
        string path = Path.Combine(_folder, "checkpoint.json");
        var json = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        json.Remove("files");
        json.Remove("checksum");
        json["options"]!["state"] = JsonNode.Parse(state);
        await File.WriteAllTextAsync(path, json.ToJsonString());
        using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => Trainer().TrainAsync(model, Users, Users));

        Assert.Contains("checkpoint.json", error.Message, StringComparison.Ordinal);
        Assert.Contains("options.state", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("step-000000004/state.json")]
    [InlineData("thesis.docx")]
    public async Task Train_WithTheFolderOfOthers_IsRefusedBeforeTheFirstStep(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_folder, file))!);
        await File.WriteAllTextAsync(Path.Combine(_folder, file), "mine");
        using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        float[] weights = Weights(model);

        var error = await Assert.ThrowsAnyAsync<IOException>(() => Trainer().TrainAsync(model, Users, Users));

        Assert.Contains("no artifact of kind 'grpo-checkpoint'", error.Message, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(Path.Combine(_folder, file)));
        Assert.Equal(weights, Weights(model));
    }

    [Fact]
    public async Task Train_BesideAFileOfTheUser_KeepsIt()
    {
        await InterruptedAsync();
        await File.WriteAllTextAsync(Path.Combine(_folder, "notes.txt"), "mine");
        using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

        var error = await Assert.ThrowsAnyAsync<IOException>(() => Trainer().TrainAsync(model, Users, Users));

        Assert.Contains("'notes.txt'", error.Message, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(Path.Combine(_folder, "notes.txt")));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public async Task Train_WeightsThatAreNotFinite_EndsAsFineTuningDoes_WithTheBestWeights(float value)
    {
        using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        float[]? start = null;
        var progress = new Reporter(report =>
        {
            start ??= Weights(model);
            if (report.Step == 3)
            {
                using var noGrad = no_grad();
                model.Model.HeadWeight.fill_(value);
            }
        });
        var options = Options();
        (options.Checkpoints.Every, options.LearningRate, options.Guards.ValidateEverySteps) = (2, 1e-6, 2);
        var trainer = new GrpoTrainer(Rewards, options, new BeamRolloutSampler());

        var error = await Assert.ThrowsAsync<TrainingDivergedException>(() => trainer.TrainAsync(model, Users, Users, progress));

        Assert.Equal(4, error.Step);
        Assert.Equal(_folder, error.Checkpoint);
        Assert.All(Weights(model), weight => Assert.True(float.IsFinite(weight)));
        Assert.NotNull(start);
    }

    private static IRewardFunction[] Rewards => [new ExactMatchReward(), new SharedPrefixReward()];

    private GrpoTrainer Trainer() => new(Rewards, Options(), new RandomRolloutSampler());

    private async Task InterruptedAsync()
    {
        using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        using var cancellation = new CancellationTokenSource();
        var progress = new Reporter(report =>
        {
            if (report.Step == 3)
            {
                cancellation.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Trainer().TrainAsync(model, Users, Users, progress, cancellation.Token));
    }

    private GrpoOptions Options() => new()
    {
        Steps = 6, PromptsPerStep = 4, GroupSize = 8, LearningRate = 5e-3, WarmupSteps = 0,
        Checkpoints = new CheckpointOptions { Folder = _folder, Every = 50, Resume = true },
    };

    private Dictionary<string, string> Hashes() => Directory.GetFiles(_folder).ToDictionary(path => path, path => ArtifactManifest.HashFileAsync(path).GetAwaiter().GetResult());

    private static float[] Weights(GenerativeRecommender recommender) =>
        [.. recommender.Model.parameters().SelectMany(parameter => parameter.detach().data<float>().ToArray())];

    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}

using System.Text.Json.Nodes;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using static MiniOneRec.Reinforcement.Tests.CheckpointedRun;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class PolicyCheckpointTests : IDisposable
{
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
        await InterruptedAsync(_folder);
        var before = Hashes();

        async Task<string> Refusal(IRewardFunction[]? rewards = null, IRolloutSampler? sampler = null,
            NextItemExample[]? validation = null, int seed = 3, bool reference = false)
        {
            using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]), seed);
            using var other = Toy.Recommender(Toy.Index(20, [4, 4, 4]), 9);
            float[] weights = Weights(model);
            var trainer = new GrpoTrainer(rewards ?? Rewards, Options(_folder),
                sampler ?? new RandomRolloutSampler()) { Reference = reference ? other.Model : null };
            var error = await Assert.ThrowsAsync<InvalidDataException>(() => trainer.TrainAsync(model, Users, validation ?? Users));
            Assert.Equal(weights, Weights(model));
            Assert.Contains("Checkpoints.Resume to false", error.Message, StringComparison.Ordinal);
            return error.Message;
        }

        Assert.Contains("rewards (1 * exact-match", await Refusal([new ExactMatchReward()]), StringComparison.Ordinal);
        Assert.Contains("0.5 * shared-prefix", await Refusal([new ExactMatchReward(), new WeightedReward(new SharedPrefixReward(), 0.5)]),
            StringComparison.Ordinal);
        Assert.Contains("temperature 2", await Refusal(sampler: new RandomRolloutSampler(2)), StringComparison.Ordinal);
        Assert.Contains("rollouts (sampling", await Refusal(sampler: new BeamRolloutSampler()), StringComparison.Ordinal);
        Assert.Contains("validation (", await Refusal(validation: Users[1..]), StringComparison.Ordinal);
        Assert.Contains("validation (", await Refusal(validation: []), StringComparison.Ordinal);
        Assert.Contains("weights at the start are", await Refusal(seed: 2), StringComparison.Ordinal);
        Assert.Contains("reference (the policy at the start", await Refusal(reference: true), StringComparison.Ordinal);
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
    [InlineData("step-000000003/state.json")]
    [InlineData("step-000000003/state.safetensors")]
    [InlineData("best-")]
    public async Task Resume_FlippedBit_IsRefusedWithTheFilesName(string file)
    {
        await InterruptedAsync(_folder);
        string path = file == "best-" ? Directory.GetFiles(_folder, "best-*").Single() : Path.Combine(_folder, file);
        byte[] whole = await File.ReadAllBytesAsync(path);
        foreach (int at in Enumerable.Range(0, 30).Select(i => (int)((long)whole.Length * i / 30)))
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= (byte)(1 << (at % 8));
            await File.WriteAllBytesAsync(path, flipped);
            using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

            var error = await Assert.ThrowsAsync<InvalidDataException>(() => Trainer(_folder).TrainAsync(model, Users, Users));
            Assert.Contains(Path.GetFileName(path), error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Finished_RunAgain_GivesTheSameAtOnce()
    {
        var options = Options(_folder);
        (options.Guards.Patience, options.Guards.ValidateEverySteps, options.LearningRate) = (1, 1, 1e-7);
        using var first = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        using var second = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        var ended = await new GrpoTrainer(Rewards, options, new RandomRolloutSampler()).TrainAsync(first, Users, Users);
        int reports = 0;

        var again = await new GrpoTrainer(Rewards, options, new RandomRolloutSampler())
            .TrainAsync(second, Users, Users, new Reporter(_ => reports++));

        Assert.StartsWith("patience: ", ended.StopReason, StringComparison.Ordinal);
        Assert.Equal((ended.Steps, ended.StopReason, ended.BestStep, ended.BestValidation),
            (again.Steps, again.StopReason, again.BestStep, again.BestValidation));
        Assert.Equal(Weights(first), Weights(second));
        Assert.Equal(0, reports);
    }

    [Fact]
    public async Task MaxDuration_EndsAfterAWholeStep_AndMoreTimeContinuesBitForBit()
    {
        using var whole = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        await Trainer(null).TrainAsync(whole, Users);
        var options = Options(_folder);
        options.MaxDuration = TimeSpan.FromTicks(1);
        using var first = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        var ended = await new GrpoTrainer(Rewards, options, new RandomRolloutSampler()).TrainAsync(first, Users);
        options.MaxDuration = TimeSpan.FromDays(1);
        using var second = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

        var result = await new GrpoTrainer(Rewards, options, new RandomRolloutSampler()).TrainAsync(second, Users);

        Assert.Equal(("time is over", 1L), (ended.StopReason, ended.Steps));
        Assert.Equal(("completed", (long)options.Steps), (result.StopReason, result.Steps));
        Assert.Equal(Weights(whole), Weights(second));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void MaxDuration_NoTime_IsRefused(int seconds)
    {
        var options = Options(_folder);
        options.MaxDuration = TimeSpan.FromSeconds(seconds);

        Assert.Contains("expected more than no time",
            Assert.Throws<Microsoft.Extensions.Options.OptionsValidationException>(() => new GrpoTrainer(Rewards, options)).Message,
            StringComparison.Ordinal);
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
        await InterruptedAsync(_folder);
        string path = Path.Combine(_folder, "step-000000003", "state.json");
        var json = JsonNode.Parse(await File.ReadAllTextAsync(path))!.AsObject();
        json.Remove("files");
        json.Remove("checksum");
        json["options"]!["state"] = JsonNode.Parse(state);
        await File.WriteAllTextAsync(path, json.ToJsonString());
        using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => Trainer(_folder).TrainAsync(model, Users, Users));

        Assert.Contains("state.json", error.Message, StringComparison.Ordinal);
        Assert.Contains("options.state", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("step-000000004", true)]
    [InlineData("step-000000004", false)]
    [InlineData("checkpoint.json", true)]
    [InlineData("manifest.json", true)]
    public async Task Train_WithTheFolderOfAnotherStage_IsRefusedBeforeTheFirstStep(string artifact, bool resume)
    {
        var manifest = new ArtifactManifest { Kind = "sft-checkpoint" };
        string path = Path.Combine(_folder, artifact), tensors = Path.Combine(path, "state.safetensors");
        bool isFolder = !artifact.EndsWith(".json", StringComparison.Ordinal);
        Directory.CreateDirectory(isFolder ? path : _folder);
        await manifest.SaveAsync(isFolder ? Path.Combine(path, "state.json") : path);
        if (isFolder)
        {
            await File.WriteAllTextAsync(tensors, "theirs");
        }

        var before = Hashes();
        using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        float[] weights = Weights(model);
        var options = Options(_folder);
        options.Checkpoints.Resume = resume;

        var error = await Assert.ThrowsAnyAsync<Exception>(() =>
            new GrpoTrainer(Rewards, options, new RandomRolloutSampler()).TrainAsync(model, Users, Users));

        Assert.True(error is IOException or InvalidDataException);
        Assert.Contains(isFolder ? "'sft-checkpoint'" : artifact, error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Hashes());
        Assert.Equal(weights, Weights(model));
    }

    [Theory]
    [InlineData("thesis.docx")]
    [InlineData("step-000000004/state.json")]
    [InlineData("step-000000003/notes.txt")]
    public async Task Train_BesideAFileOfTheUser_KeepsIt(string file)
    {
        await InterruptedAsync(_folder);
        string path = Path.Combine(_folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllTextAsync(path, "mine");
        using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

        await Trainer(_folder).TrainAsync(model, Users, Users);

        Assert.Equal("mine", await File.ReadAllTextAsync(path));
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
        var options = Options(_folder);
        (options.Checkpoints.Every, options.LearningRate, options.Guards.ValidateEverySteps) = (2, 1e-6, 2);
        var trainer = new GrpoTrainer(Rewards, options, new BeamRolloutSampler());

        var error = await Assert.ThrowsAsync<TrainingDivergedException>(() => trainer.TrainAsync(model, Users, Users, progress));

        Assert.Equal(4, error.Step);
        Assert.Equal(Path.Combine(_folder, "step-000000002"), error.Checkpoint);
        Assert.All(Weights(model), weight => Assert.True(float.IsFinite(weight)));
        Assert.NotNull(start);
    }

    private Dictionary<string, string> Hashes() => Directory.GetFiles(_folder, "*", SearchOption.AllDirectories)
        .ToDictionary(path => path, path => ArtifactManifest.HashFileAsync(path).GetAwaiter().GetResult());
}

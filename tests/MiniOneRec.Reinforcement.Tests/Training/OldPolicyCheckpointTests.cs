using System.Text.Json.Nodes;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using static MiniOneRec.Reinforcement.Tests.CheckpointedRun;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>Checkpoints of version 0.1: continued, replaced, and refused where they are damaged or of another run.</summary>
public sealed class OldPolicyCheckpointTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), "policy-" + Guid.NewGuid().ToString("N"));

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(false, 5e-3)]
    [InlineData(true, 5e-3)]
    [InlineData(true, 1e-7)]                    // no weights are better than those at the start, which the checkpoint holds
    public async Task Checkpoint_OfVersion01_IsContinuedBitForBit(bool hashed, double rate)
    {
        using var whole = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        var expected = await Trainer(null, rate).TrainAsync(whole, Users, Users);
        await InterruptedAsync(_folder, rate);
        await ToVersion01Async(hashed);
        using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

        var result = await Trainer(_folder, rate).TrainAsync(model, Users, Users);

        Assert.Equal(Weights(whole), Weights(model));
        Assert.Equal((expected.Steps, expected.BestStep, expected.BestValidation), (result.Steps, result.BestStep, result.BestValidation));
        Assert.Equal(expected.History.Select(step => step.Step), result.History.Select(step => step.Step));
        Assert.Equal(rate < 1e-3 ? 0 : 6, result.BestStep);
        Assert.Equal([$"best-{result.BestStep:D9}.safetensors", "step-000000006"],
            Directory.GetFileSystemEntries(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("checkpoint.json")]
    [InlineData("state.safetensors")]
    public async Task Checkpoint_OfVersion01_FlippedBitOrAnotherRun_IsRefused(string file)
    {
        await InterruptedAsync(_folder);
        await ToVersion01Async(hashed: true);
        var other = Options(_folder);
        other.LearningRate = 1;
        using (var model = Toy.Recommender(Toy.Index(20, [4, 4, 4])))
        {
            var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
                new GrpoTrainer(Rewards, other, new RandomRolloutSampler()).TrainAsync(model, Users, Users));
            Assert.Contains("learningRate (0.005 there, 1 here)", error.Message, StringComparison.Ordinal);
        }

        string path = Path.Combine(_folder, file);
        byte[] whole = await File.ReadAllBytesAsync(path);
        foreach (int at in Enumerable.Range(0, 20).Select(i => (int)((long)whole.Length * i / 20)))
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= (byte)(1 << (at % 8));
            await File.WriteAllBytesAsync(path, flipped);
            using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

            var error = await Assert.ThrowsAsync<InvalidDataException>(() => Trainer(_folder).TrainAsync(model, Users, Users));
            Assert.Contains(file, error.Message, StringComparison.Ordinal);
            Assert.Equal(flipped, await File.ReadAllBytesAsync(path));
        }
    }

    [Fact]
    public async Task Train_OverACheckpointOfVersion01_ResumeOff_ReplacesIt()
    {
        await InterruptedAsync(_folder);
        await ToVersion01Async(hashed: true);
        var options = Options(_folder);
        (options.Checkpoints.Resume, options.LearningRate) = (false, 1e-3);
        using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

        var result = await new GrpoTrainer(Rewards, options, new RandomRolloutSampler()).TrainAsync(model, Users, Users);

        Assert.Equal(7, result.History.Count);
        Assert.False(File.Exists(Path.Combine(_folder, "checkpoint.json")));
    }

    private async Task ToVersion01Async(bool hashed)
    {
        string step = Path.Combine(_folder, "step-000000003"), best = Directory.GetFiles(_folder, "best-*").Single();
        var manifest = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(step, "state.json")))!.AsObject();
        var state = manifest["options"]!["state"]!.AsObject();
        var kept = state["best"]![0]!;
        (state["bestStep"], state["bestValidation"]) = (kept["step"]!.DeepClone(), kept["value"]!.DeepClone());
        state["withoutGain"] = state["sinceBest"]!.DeepClone();
        foreach (string key in (string[])["best", "sinceBest", "validationDue", "stopReason"])
        {
            state.Remove(key);
        }

        using (var scope = NewDisposeScope())
        {
            var tensors = SafetensorsFile.Load(Path.Combine(step, "state.safetensors")).Concat(
                SafetensorsFile.Load(best).Select(pair => KeyValuePair.Create("best." + pair.Key, pair.Value)));
            await SafetensorsFile.SaveAsync(Path.Combine(_folder, "state.safetensors"),
                [.. tensors.Select(pair => (pair.Key, pair.Value))]);
        }

        var madeFrom = manifest["madeFrom"]!.AsObject();
        foreach (string key in madeFrom.Select(pair => pair.Key).Where(key => !hashed && key is not ("index" or "examples")).ToArray())
        {
            madeFrom.Remove(key);
        }

        string path = Path.Combine(_folder, "checkpoint.json");
        var files = new Dictionary<string,
            string> { ["state.safetensors"] = await ArtifactManifest.HashFileAsync(Path.Combine(_folder, "state.safetensors")) };
        var written = new ArtifactManifest
        {
            Kind = "grpo-checkpoint",
            MadeFrom = madeFrom.ToDictionary(pair => pair.Key, pair => pair.Value!.GetValue<string>()),
            Options = (JsonObject)manifest["options"]!.DeepClone(),
            Files = hashed ? files : new Dictionary<string, string>(),
        };
        await written.SaveAsync(path);
        Directory.Delete(step, recursive: true);
        File.Delete(best);
    }
}

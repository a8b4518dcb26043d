using MiniOneRec.Tensors;
using MiniOneRec.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Tests;

public sealed class ShardedCheckpointTests : IDisposable
{
    private const string Second = "step-000000009";
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    [Fact]
    public void Load_FilesOfThreeProcesses_PutsTheTensorsTogether()
    {
        Save(4, 1);
        var (weight, bias) = (zeros(3, 4), zeros(5));

        var state = Checkpoint().Load([("weight.w", weight), ("weight.b", bias)]);

        Assert.Equal(4, state!.Step);
        Assert.Equal(Enumerable.Range(1, 12).Select(i => (float)i), weight.data<float>().ToArray());
        Assert.Equal(Enumerable.Range(1, 5).Select(i => -(float)i), bias.data<float>().ToArray());
    }

    [Theory]
    [InlineData("state-00001-of-00003.safetensors", "missing")]
    [InlineData("state-00002-of-00003.safetensors", "other size")]
    [InlineData("state.json", "missing")]
    public void Load_ACheckpointThatIsNotWhole_TakesTheOneBefore(string file, string damage)
    {
        Save(4, 1);
        string before = Path.Combine(_folder.Root, "step-000000004"), copy = _folder["copy"];
        CopyFolder(before, copy);
        Save(9, 2);
        Directory.Move(copy, before);
        Damage(Path.Combine(_folder.Root, Second, file), damage);

        Checkpoint().Begin(resume: true);

        Assert.Equal(4, Checkpoint().Load([("weight.w", zeros(3, 4)), ("weight.b", zeros(5))])!.Step);
        Save(10, 3);
        Assert.False(Directory.Exists(before));
        Assert.Equal(file == "state.json", Directory.Exists(Path.Combine(_folder.Root, Second)));       // of whom, nothing tells any more
    }

    [Fact]
    public void Begin_TheOnlyCheckpointLacksAFile_NamesItAndKeepsTheRest()
    {
        Save(9, 1);
        string shard = Path.Combine(_folder.Root, Second, "state-00001-of-00003.safetensors");
        File.Delete(shard);

        var error = Assert.Throws<InvalidDataException>(() => Checkpoint().Begin(resume: true));

        Assert.Contains($"{Second}' is not whole: 'state-00001-of-00003.safetensors' is missing", error.Message, StringComparison.Ordinal);
        Assert.Equal(3, Directory.GetFiles(Path.Combine(_folder.Root, Second)).Length);
    }

    [Fact]
    public void Load_PartsThatOverlap_AreRefused()
    {
        Checkpoint().Save(new RunState { Step = 2 }, [], folder =>
        {
            Shard(folder, 0, 2, ("weight.w", arange(8), [10], 0));
            Shard(folder, 1, 2, ("weight.w", arange(2), [10], 7));
        });

        var error = Assert.Throws<InvalidDataException>(() => Checkpoint().Load([("weight.w", zeros(10))]));

        Assert.Contains("'weight.w' end at value 8 and go on at 7", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadWeights_OfSeveralProcesses_FillsTheModelOrSaysWhyNot()
    {
        Save(4, 1);
        using var model = new Pair();
        using var other = nn.Linear(3, 4);

        Assert.Equal(4, CheckpointWeights.Load(_folder.Root, model));

        Assert.Equal(7, model.W[1, 2].item<float>());
        var error = Assert.Throws<InvalidDataException>(() => CheckpointWeights.Load(_folder.Root, other));
        Assert.Contains("does not hold all weights of the model", error.Message, StringComparison.Ordinal);
        Assert.Throws<DirectoryNotFoundException>(() => CheckpointWeights.Load(_folder["none"], model));
    }

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    private RunCheckpoint<RunState> Checkpoint() => new(_folder.Root, new RunIdentity { Kind = "test-checkpoint" });

    // A matrix in three parts, and a vector that the first process alone has.
    private void Save(long step, float factor) => Checkpoint().Save(new RunState { Step = step }, [], folder =>
    {
        var values = arange(1, 13, dtype: ScalarType.Float32) * factor;
        Shard(folder, 0, 3, ("weight.w", values.narrow(0, 0, 5), [3, 4], 0), ("weight.b", arange(-1, -6, -1), [5], 0));
        Shard(folder, 1, 3, ("weight.w", values.narrow(0, 5, 4), [3, 4], 5));
        Shard(folder, 2, 3, ("weight.w", values.narrow(0, 9, 3), [3, 4], 9));
    });

    private static void Shard(string folder, int rank, int ranks, params (string Name, Tensor Value, long[] Shape, long At)[] parts) =>
        StateFiles.SaveShardAsync(
            Path.Combine(folder, StateFiles.ShardFile(rank, ranks)),
            [.. parts.Select(part => new StatePart(part.Name, part.Value.to_type(ScalarType.Float32), part.Shape, part.At))])
            .GetAwaiter().GetResult();

    private static void Damage(string path, string damage)
    {
        if (damage == "missing")
        {
            File.Delete(path);
            return;
        }

        using var file = File.OpenWrite(path);
        file.SetLength(file.Length - 1);
    }

    private static void CopyFolder(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string path in Directory.GetFiles(from))
        {
            File.Copy(path, Path.Combine(to, Path.GetFileName(path)));
        }
    }

    private sealed class Pair : nn.Module
    {
        public Pair()
            : base(nameof(Pair))
        {
            register_parameter("w", W);
            register_parameter("b", new Parameter(zeros(5)));
        }

        public Parameter W { get; } = new(zeros(3, 4));
    }
}

using MiniOneRec.Tensors;

namespace MiniOneRec.Tokenization.Tests;

/// <summary>Checkpoints of RQ-VAE: damage and another run are refused, and version 0.1 is continued.</summary>
public sealed class RqVaeCheckpointSafetyTests
{
    [Theory]
    [InlineData("step-000000012/state.json")]
    [InlineData("step-000000012/state.safetensors")]
    public async Task Checkpoint_FlippedBitOrAnotherRun_IsRefused_AndStays(string file)
    {
        using var folder = new TemporaryFolder();
        await FitAsync(folder);
        string path = folder.File(file);
        byte[] whole = await File.ReadAllBytesAsync(path);
        var manifest = await ArtifactManifest.LoadAsync(folder.File("step-000000012/state.json"));
        Assert.Equal(RunEnvironment.Current(), RunEnvironment.From(manifest.Options["environment"]));

        await FlipsAreRefusedAsync(folder, path, whole);
        await File.WriteAllBytesAsync(path, whole);
        await OtherRunsAreRefusedAsync(folder);
        Assert.Equal(whole, await File.ReadAllBytesAsync(path));
    }

    [Fact]
    public async Task Checkpoint_OfVersion01_FlippedBitOrAnotherRun_IsRefused_AndStays()
    {
        using var folder = new TemporaryFolder();
        await FitAsync(folder);
        string path = await ToVersion01Async(folder, epochs: 6);
        byte[] whole = await File.ReadAllBytesAsync(path);

        await FlipsAreRefusedAsync(folder, path, whole);
        await File.WriteAllBytesAsync(path, whole);
        await OtherRunsAreRefusedAsync(folder);
        Assert.Equal(whole, await File.ReadAllBytesAsync(path));

        // A file of somebody else is not touched, even where the run begins anew.
        var tensors = SafetensorsFile.Load(path);
        await SafetensorsFile.SaveAsync(path, [.. tensors.Select(pair => (pair.Key, pair.Value))]);
        whole = await File.ReadAllBytesAsync(path);
        foreach (bool resume in (bool[])[true, false])
        {
            var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
                FitAsync(folder, options => options.Training.Checkpoints.Resume = resume));
            Assert.Contains("is no checkpoint of a quantizer", error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(whole, await File.ReadAllBytesAsync(path));
        foreach (var tensor in tensors.Values)
        {
            tensor.Dispose();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Checkpoint_OfVersion01_IsContinuedBitForBit(bool withChecksum)
    {
        using var folder = new TemporaryFolder();
        using var empty = new TemporaryFolder();
        string whole = await FitAsync(empty);
        using var cancellation = new CancellationTokenSource();
        var progress = new Reporter(report =>
        {
            if (report.Step == 10)
            {
                cancellation.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            FitAsync(folder, progress: progress, cancellationToken: cancellation.Token));
        await ToVersion01Async(folder, epochs: 4, withChecksum);

        Assert.Equal(whole, await FitAsync(folder));

        Assert.Equal(["step-000000012"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    private static async Task FlipsAreRefusedAsync(TemporaryFolder folder, string path, byte[] whole)
    {
        foreach (int at in Enumerable.Range(0, 60).Select(i => (int)((long)whole.Length * i / 60)).Concat(Enumerable.Range(8, 120)))
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= (byte)(1 << (at % 8));
            await File.WriteAllBytesAsync(path, flipped);
            var error = await Assert.ThrowsAsync<InvalidDataException>(() => FitAsync(folder));
            Assert.Contains(Path.GetFileName(path), error.Message, StringComparison.Ordinal);
            Assert.Equal(flipped, await File.ReadAllBytesAsync(path));
        }
    }

    private static async Task OtherRunsAreRefusedAsync(TemporaryFolder folder)
    {
        Assert.Contains("seed (42 there, 7 here)",
            (await Assert.ThrowsAsync<InvalidDataException>(() => FitAsync(folder, seed: 7))).Message, StringComparison.Ordinal);
        Assert.Contains("latentWidth (",
            (await Assert.ThrowsAsync<InvalidDataException>(() => FitAsync(folder, options => options.LatentWidth++))).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            $"vectors ({Table(1).Fingerprint()} there",
            (await Assert.ThrowsAsync<InvalidDataException>(() => FitAsync(folder, vectors: 2))).Message, StringComparison.Ordinal);
    }

    private static EmbeddingTable Table(int seed) => Toy.Clusters(100, 6, 10, 0.2, seed);

    private static async Task<string> FitAsync(
        TemporaryFolder folder, Action<RqVaeOptions>? change = null, int seed = 42, int vectors = 1,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        var options = Toy.RqVae(8, 8);
        (options.Training.Checkpoints.Folder, options.Training.Epochs, options.Training.Checkpoints.Every) = (folder.Path, 6, 2);
        change?.Invoke(options);
        using var quantizer = new RqVaeQuantizer(options, new MiniOneRecOptions { Seed = seed });
        await quantizer.FitAsync(Table(vectors), progress, cancellationToken);
        return quantizer.Fingerprint!;
    }

    /// <summary>Writes a checkpoint as version 0.1 did: one file, whose metadata has the vectors' fingerprint, seed, options, epochs and
    /// steps.</summary>
    private static async Task<string> ToVersion01Async(TemporaryFolder folder, int epochs, bool withChecksum = true)
    {
        string step = Assert.Single(Directory.GetDirectories(folder.Path)), path = folder.File("checkpoint.safetensors");
        var manifest = await ArtifactManifest.LoadAsync(Path.Combine(step, "state.json"));
        var tensors = SafetensorsFile.Load(Path.Combine(step, "state.safetensors"));
        var metadata = new Dictionary<string, string>
        {
            ["run"] = $"{manifest.MadeFrom["vectors"]} {manifest.MadeFrom["seed"]} {manifest.Options["options"]!.ToJsonString()}",
            ["epoch"] = $"{epochs}",
            ["steps"] = manifest.Options["state"]!["step"]!.ToJsonString(),
        };
        if (withChecksum)
        {
            metadata["environment"] = RunEnvironment.Current().ToString();
            metadata["checksum"] = OldRqVaeCheckpoint.ChecksumOf(metadata, tensors.Select(pair => (pair.Key, pair.Value)));
        }

        await SafetensorsFile.SaveAsync(path, [.. tensors.Select(pair => (pair.Key, pair.Value))], metadata);
        Directory.Delete(step, recursive: true);
        foreach (var tensor in tensors.Values)
        {
            tensor.Dispose();
        }

        return path;
    }

    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}

using MiniOneRec.Vectors;
using TorchSharp;

namespace MiniOneRec.Tokenization.Tests;

public class RqVaeQuantizerTests
{
    [Fact]
    public async Task FitAsync_ClusteredVectors_Reconstructs()
    {
        var table = Toy.Clusters(200, 12, 10, 0.05, seed: 1);
        var options = Toy.RqVae(8, 8);
        options.Training.Epochs = 200;
        using var quantizer = new RqVaeQuantizer(options);

        var result = await quantizer.FitAsync(table);

        var decoded = quantizer.Decode(quantizer.Encode(table));
        double error = Enumerable.Range(0, 200).Average(row => VectorMath.SquaredDistance(table[row], decoded[row]));
        double variance = Enumerable.Range(0, 200).Average(row => VectorMath.SquaredDistance(table[row], table[(row + 1) % 200])) / 2;
        Assert.True(error < 0.1 * variance, $"{error} of {variance} is left.");
        Assert.True(result.History[^1].Metrics["loss"] < result.History[0].Metrics["loss"]);
        Assert.Equal(800, result.Steps);
    }

    [Fact]
    public async Task FitAsync_SameSeed_GivesTheSameCodes()
    {
        var table = Toy.Clusters(100, 6, 10, 0.2, seed: 1);
        using var first = new RqVaeQuantizer(Toy.RqVae(8, 4));
        using var second = new RqVaeQuantizer(Toy.RqVae(8, 4));

        var a = await first.FitAsync(table);
        var b = await second.FitAsync(table);

        Assert.Equal(a.History.Select(h => h.Metrics["loss"]), b.History.Select(h => h.Metrics["loss"]));
        Assert.Equal(first.Encode(table).Values.ToArray(), second.Encode(table).Values.ToArray());
    }

    [Fact]
    public async Task SaveAsync_ThenLoadAsync_GivesTheSameCodesAndVectors()
    {
        using var folder = new TemporaryFolder();
        var table = Toy.Clusters(100, 6, 10, 0.2, seed: 1);
        using var quantizer = new RqVaeQuantizer(Toy.RqVae(8, 4, 6));
        await quantizer.FitAsync(table);
        await quantizer.SaveAsync(folder.File("q"));

        using var loaded = await RqVaeQuantizer.LoadAsync(folder.File("q"));

        var codes = quantizer.Encode(table);
        Assert.Equal(codes.Values.ToArray(), loaded.Encode(table).Values.ToArray());
        Assert.Equal(quantizer.Decode(codes).Values.ToArray(), loaded.Decode(codes).Values.ToArray());
        Assert.Equal([8, 4, 6], loaded.LevelSizes);
    }

    [Fact]
    public async Task LoadAsync_WeightsOfAnotherFit_IsRefused()
    {
        using var folder = new TemporaryFolder();
        var table = Toy.Clusters(100, 6, 10, 0.2, seed: 1);
        foreach (int seed in (int[])[1, 2])
        {
            using var quantizer = new RqVaeQuantizer(Toy.RqVae(8, 4), new MiniOneRecOptions { Seed = seed });
            await quantizer.FitAsync(table);
            await quantizer.SaveAsync(folder.File($"q{seed}"));
        }

        File.Copy(folder.File("q2/quantizer.safetensors"), folder.File("q1/quantizer.safetensors"), overwrite: true);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => RqVaeQuantizer.LoadAsync(folder.File("q1")));
        Assert.Contains("another fit", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task FitAsync_ResumedFromACheckpoint_ContinuesWithIdenticalBits(bool movingAverage)
    {
        using var folder = new TemporaryFolder();
        var table = Toy.Clusters(100, 6, 10, 0.2, seed: 1);
        RqVaeOptions Options(string? checkpoints)
        {
            var options = Toy.RqVae(8, 8);
            options.Dropout = 0.1;
            options.BatchNorm = true;
            options.Codebooks.MovingAverage = movingAverage;
            options.Codebooks.RevivalPatience = 2;
            options.Codebooks.RevivalThreshold = 1;
            options.Training.Checkpoints.Folder = checkpoints;
            options.Training.Checkpoints.Every = 7;
            return options;
        }

        using var whole = new RqVaeQuantizer(Options(null));
        await whole.FitAsync(table);
        using var interrupted = new RqVaeQuantizer(Options(folder.Path));
        using var cancellation = new CancellationTokenSource();
        var progress = new Reporter(report =>
        {
            if (report.Step == 2 * 25)
            {
                cancellation.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => interrupted.FitAsync(table, progress, cancellation.Token));

        using var resumed = new RqVaeQuantizer(Options(folder.Path));
        var result = await resumed.FitAsync(table);

        Assert.Equal(2 * (40 - 25), result.Steps);
        var codes = whole.Encode(table);
        Assert.Equal(codes.Values.ToArray(), resumed.Encode(table).Values.ToArray());
        Assert.Equal(whole.Decode(codes).Values.ToArray(), resumed.Decode(codes).Values.ToArray());

        var other = Options(folder.Path);
        other.CommitmentWeight = 1;
        using var mismatch = new RqVaeQuantizer(other);
        await Assert.ThrowsAsync<InvalidDataException>(() => mismatch.FitAsync(table));
    }

    [Fact]
    public async Task Quantizer_UsedWrongly_SaysWhatIsWrong()
    {
        var table = Toy.Clusters(100, 6, 10, 0.2, seed: 1);
        using var quantizer = new RqVaeQuantizer(Toy.RqVae(8, 4));

        Assert.Contains("FitAsync", Assert.Throws<InvalidOperationException>(() => quantizer.Encode(table)).Message,
            StringComparison.Ordinal);
        Assert.Contains("7 vectors cannot fill",
            (await Assert.ThrowsAsync<ArgumentException>(() => quantizer.FitAsync(Toy.Clusters(7, 6, 2, 1, 1)))).Message,
            StringComparison.Ordinal);
        await quantizer.FitAsync(table);
        Assert.Contains("width 5; the quantizer was fitted to width 6",
            Assert.Throws<ArgumentException>(() => quantizer.Encode(Toy.Clusters(9, 5, 2, 1, 1))).Message, StringComparison.Ordinal);
        Assert.Contains("level 1: code 4", Assert.Throws<ArgumentException>(() => quantizer.Decode(new CodeTable(1, 2, [0, 4]))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_BadOptions_ListsEveryError()
    {
        var error = Assert.Throws<Microsoft.Extensions.Options.OptionsValidationException>(() => new RqVaeQuantizer(new RqVaeOptions
        {
            CodebookSizes = [0, 4],
            LatentWidth = 0,
            HiddenWidths = [-1],
            SinkhornEpsilons = [0.1],
            Training = new() { Epochs = 0 },
        }));

        Assert.Equal(5, error.Failures.Count());
        Assert.All((string[])["CodebookSizes", "LatentWidth", "HiddenWidths", "SinkhornEpsilons", "Training.Epochs"],
            name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task FitAsync_ManyEpochs_LeaksNoTensor()
    {
        var table = Toy.Clusters(100, 6, 10, 0.2, seed: 1);
        async Task<long> LeftAsync(int epochs)
        {
            // what earlier tests left is taken off before counting
            GC.Collect();
            GC.WaitForPendingFinalizers();
            long before = torch.Tensor.TotalCount;
            var options = Toy.RqVae(8, 4);
            options.Training.Epochs = epochs;
            using (var quantizer = new RqVaeQuantizer(options))
            {
                await quantizer.FitAsync(table);
                quantizer.Distances(table, quantizer.Encode(table), 1);
            }

            return torch.Tensor.TotalCount - before;
        }

        // TorchSharp counts the tensor that a parameter is made of and never takes it off: a constant, whatever the number of epochs.
        Assert.Equal(await LeftAsync(2), await LeftAsync(30));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Distances_OfTheChosenCode_AreTheLeast(int level)
    {
        var table = Toy.Clusters(60, 6, 10, 0.2, seed: 1);
        using var quantizer = new RqVaeQuantizer(Toy.RqVae(8, 4));
        await quantizer.FitAsync(table);
        var codes = quantizer.Encode(table);

        float[] distances = quantizer.Distances(table, codes, level);

        int size = quantizer.LevelSizes[level];
        Assert.All(Enumerable.Range(0, 60),
            row => Assert.Equal(distances.AsSpan(row * size, size).ToArray().Min(), distances[row * size + codes[row, level]], 1e-4f));
    }

    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}

using MiniOneRec.Tensors;
using MiniOneRec.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization.Tests;

/// <summary>What every trainer of quantizers does: stop within an epoch and go on, or end by the clock.</summary>
public sealed class QuantizerTrainingTests : IDisposable
{
    private const int Rows = 10, Width = 3, Batches = 4;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 6)]
    [InlineData(true, 8)]
    [InlineData(false, 3)]
    [InlineData(false, 8)]
    [InlineData(false, 19)]
    public void A_fit_that_is_cancelled_at_any_step_goes_on_to_the_same_bits(bool seedsEpochs, int step)
    {
        var (whole, figures) = Fit(seedsEpochs, folder: null);

        Assert.Throws<OperationCanceledException>(() => Fit(seedsEpochs, _folder.Path, cancelAt: step));
        Assert.EndsWith($"step-{step:D9}", Assert.Single(Directory.GetDirectories(_folder.Path)), StringComparison.Ordinal);
        manual_seed(99);                                        // another process has another generator
        var (resumed, later) = Fit(seedsEpochs, _folder.Path);

        Assert.Equal(whole, resumed);
        Assert.Equal(figures[^later.Length..], later);
        Assert.Equal(5 - step / Batches, later.Length);
    }

    [Theory]
    [InlineData("rq-vae")]
    [InlineData("rq-kmeans-plus")]
    [InlineData("fsq")]
    public async Task Every_quantizer_that_is_trained_goes_on_after_a_cancellation_to_the_same_bits(string kind)
    {
        var table = Toy.Clusters(100, 6, 10, 0.2, seed: 1);
        using var whole = Make(kind, folder: null);
        await whole.FitAsync(table);
        using var stop = new CancellationTokenSource();
        using (var stopped = Make(kind, _folder.Path))
        {
            var progress = new Reporter(report => Cancel(stop, report.Stage == kind && report.Step == 3 * 7));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stopped.FitAsync(table, progress, stop.Token));
        }

        manual_seed(99);
        using var resumed = Make(kind, _folder.Path);
        var result = await resumed.FitAsync(table);

        Assert.Equal((9 * 7 - 21, 9 * 7, "completed"), (result.Steps, result.BestStep, result.StopReason));
        Assert.Equal(whole.Fingerprint, resumed.Fingerprint);
    }

    [Fact]
    public void A_limit_that_is_no_time_is_refused()
    {
        var training = new QuantizerTrainingOptions { MaxDuration = TimeSpan.Zero };

        Assert.Contains("Training.MaxDuration is 00:00:00", Assert.Throws<Microsoft.Extensions.Options.OptionsValidationException>(
            () => new RqVaeQuantizer(new RqVaeOptions { Training = training })).Message, StringComparison.Ordinal);
        Assert.Throws<Microsoft.Extensions.Options.OptionsValidationException>(
            () => new FsqQuantizer(new FsqOptions { Training = training }));
    }

    [Theory]
    [InlineData(null, 1, 100)]
    [InlineData(null, 200, 25)]
    [InlineData(null, 9_000, 1)]
    [InlineData(7, 9_000, 7)]
    public void Checkpoints_lie_100_epochs_or_5000_steps_apart(int? every, long batches, long epochs) =>
        Assert.Equal(epochs, new QuantizerTrainingOptions { Checkpoints = new() { Every = every } }.CheckpointInterval(batches));

    [Fact]
    public void A_fit_whose_time_is_over_within_an_epoch_keeps_its_weights_and_does_not_begin_again()
    {
        var (weights, figures) = Fit(seedsEpochs: true, _folder.Path, time: TimeSpan.FromTicks(1));
        string checkpoint = Assert.Single(Directory.GetDirectories(_folder.Path));

        Assert.EndsWith("step-000000001", checkpoint, StringComparison.Ordinal);
        Assert.Empty(figures);
        Assert.Equal(weights, Fit(seedsEpochs: true, _folder.Path, time: TimeSpan.FromTicks(1)).Weights);
        Assert.Equal(5, Fit(seedsEpochs: true, _folder.Path, time: TimeSpan.FromHours(1)).Figures.Length);
    }

    [Fact]
    public void A_generator_that_is_put_back_draws_the_same_numbers_and_other_bytes_are_refused()
    {
        manual_seed(5);
        using var skipped = randn(3);
        byte[] state = TorchSeed.Capture();
        using var expected = randn(700);
        TorchSeed.Restore(state);
        using var again = randn(700);

        Assert.Equal(expected.data<float>().ToArray(), again.data<float>().ToArray());
        state[8] = 255;
        state[10] = 1;
        Assert.Throws<ArgumentException>(() => TorchSeed.Restore(state));
        Assert.Throws<ArgumentException>(() => TorchSeed.Restore([1, 2, 3]));
    }

    [Fact]
    public async Task A_checkpoint_within_an_epoch_without_its_losses_is_refused()
    {
        Assert.Throws<OperationCanceledException>(() => Fit(seedsEpochs: true, _folder.Path, cancelAt: 6));
        string path = _folder.File("step-000000006/state.json");
        var manifest = await ArtifactManifest.LoadAsync(path);
        manifest.Options["state"]!.AsObject().Remove("sums");
        await manifest.SaveAsync(path);

        Assert.Contains("losses of the epoch at step 6",
            Assert.Throws<InvalidDataException>(() => Fit(seedsEpochs: true, _folder.Path)).Message, StringComparison.Ordinal);
    }

    private static (float[] Weights, double[] Figures) Fit(bool seedsEpochs, string? folder, int cancelAt = 0, TimeSpan? time = null)
    {
        using var scope = NewDisposeScope();
        var options = new QuantizerTrainingOptions
        {
            Epochs = 5, BatchSize = 3, WarmupEpochs = 1, MaxDuration = time, Checkpoints = new() { Folder = folder },
        };
        manual_seed(1);
        using var stop = new CancellationTokenSource();
        using var trainer = new Toys(options, seedsEpochs) { Stepped = step => Cancel(stop, step == cancelAt) };
        var x = Toy.Clusters(Rows, Width, 2, 0.3, seed: 4);
        using var rows = x.ToTensor();
        var checkpoints = new FitCheckpoints("toy", options, ArtifactManifest.ToOptions(options), 7,
            Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var checkpoint = checkpoints.Open(x);
        var result = trainer.Train("toy", rows, 7, checkpoints.Resume(checkpoint, trainer, rows), null, checkpoint, stop.Token);
        Assert.Equal(time is null || time > TimeSpan.FromSeconds(1) ? "completed" : "time is over", result.StopReason);
        return (trainer.Values, [.. result.History.SelectMany(point => (double[])[point.Metrics["loss"] + point.Metrics["drawn"]])]);
    }

    private static TensorQuantizer Make(string kind, string? folder)
    {
        var training = new QuantizerTrainingOptions
        {
            Epochs = 9, WarmupEpochs = 2, BatchSize = 16, Checkpoints = new() { Folder = folder },
        };
        var options = Toy.RqVae(8, 8);
        options.Training = training;
        options.Codebooks.RevivalPatience = 2;
        return kind switch
        {
            "fsq" => new FsqQuantizer(new FsqOptions { Steps = [[4, 2], [4, 2]], HiddenWidths = [16], Training = training }),
            "rq-vae" => new RqVaeQuantizer(options),
            _ => new RqKMeansPlusQuantizer(options),
        };
    }

    private static void Cancel(CancellationTokenSource stop, bool now)
    {
        if (now)
        {
            stop.Cancel();
        }
    }

    private sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }

    /// <summary>Learns the mean of the rows, under noise.</summary>
    private sealed class Toys : QuantizerTraining
    {
        private readonly Parameter _mean = new(zeros(Width));
        private long _steps;

        public Toys(QuantizerTrainingOptions options, bool seedsEpochs)
            : base(options)
        {
            SeedsEpochs = seedsEpochs;
            Update = new GradientUpdate([_mean], options.ToUpdate());
        }

        public required Action<long> Stepped { get; init; }

        public float[] Values => _mean.data<float>().ToArray();

        protected override GradientUpdate Update { get; }

        protected override IReadOnlyList<string> LossNames { get; } = ["loss"];

        protected override IEnumerable<(string Name, Tensor Value)> Weights => [("mean", _mean)];

        protected override bool SeedsEpochs { get; }

        protected override (Tensor[] Losses, UpdateOutcome Update) Learn(Tensor rows, double learningRate)
        {
            Optimizer.ForgetGradients();
            var noise = randn_like(rows);
            var loss = (rows + noise - _mean).pow(2).mean();
            loss.backward();
            Counted += (long)(noise.abs().sum().item<float>() * 1000);
            var outcome = Update.Apply(learningRate);
            Stepped(++_steps);
            return ([loss.detach()], outcome);
        }

        protected override void EndEpoch(Dictionary<string, double> metrics) => metrics["drawn"] = Counted;
    }
}

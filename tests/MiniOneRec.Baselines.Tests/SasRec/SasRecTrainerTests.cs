using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;
using TorchSharp;

namespace MiniOneRec.Baselines.Tests;

public sealed class SasRecTrainerTests
{
    private static SasRecOptions Small => new()
    {
        HiddenSize = 16, Layers = 1, Heads = 2, MaxLength = 6, BatchSize = 4, Dropout = 0.1, LearningRate = 5e-3, MaxEpochs = 60,
            Patience = 60,
    };

    [Fact]
    public async Task Train_EightUsers_LearnsTheRing()
    {
        using var recommender = await new SasRecTrainer(Small).TrainAsync(Toy.Ring, Toy.RingNext);

        foreach (var example in Toy.RingNext)
        {
            Assert.Equal(example.Target, (await recommender.RecommendAsync(example.History, 1)).Items[0].ItemId);
        }

        Assert.Equal(1, recommender.Training!.BestValidation, 6);
        Assert.Equal("sasrec", recommender.Name);
    }

    [Fact]
    public async Task Train_SameSeed_SameScores()
    {
        var options = Small;
        options.MaxEpochs = 3;
        using var first = await new SasRecTrainer(options).TrainAsync(Toy.Ring, []);
        using var second = await new SasRecTrainer(options).TrainAsync(Toy.Ring, []);
        using var other = await new SasRecTrainer(options, new MiniOneRecOptions { Seed = 7 }).TrainAsync(Toy.Ring, []);

        Assert.Equal(Toy.Scores(first, "i1 i2"), Toy.Scores(second, "i1 i2"));
        Assert.NotEqual(Toy.Scores(first, "i1 i2"), Toy.Scores(other, "i1 i2"));
        Assert.Equal("completed", first.Training!.StopReason);
        Assert.Equal(6, first.Training.BestStep);
    }

    [Fact]
    public async Task Train_NoProgressOnValidation_StopsEarlyAndKeepsTheBest()
    {
        var options = Small;
        // so slow that nothing improves after the first epoch
        (options.Patience, options.LearningRate) = (3, 1e-8);

        using var recommender = await new SasRecTrainer(options).TrainAsync(Toy.Ring, Toy.RingNext);

        Assert.Equal("early stopping", recommender.Training!.StopReason);
        Assert.Equal(8, recommender.Training.Steps);
        Assert.Equal(2, recommender.Training.BestStep);
    }

    [Fact]
    public async Task Train_Progress_MovesTowardsTotal()
    {
        var options = Small;
        options.MaxEpochs = 20;
        var reports = new List<TrainingProgress>();

        using var recommender = await new SasRecTrainer(options).TrainAsync(Toy.Ring, Toy.RingNext, progress: new Collector(reports.Add));

        Assert.Equal(reports.Select(report => report.Step).Order(), reports.Select(report => report.Step));
        Assert.All(reports, report => Assert.Equal(40, report.TotalSteps));
        Assert.Equal(20, reports.Count(report => report.Metrics.ContainsKey("NDCG@10")));
        Assert.Equal(4, reports.Count(report => report.Metrics.ContainsKey("loss")));
        Assert.Equal(1, reports[^1].Fraction);
        Assert.Equal(reports, recommender.Training!.History);
    }

    [Fact]
    public async Task Train_TimeIsOver_EndsAfterAStepWithAValidation()
    {
        var options = Small;
        options.MaxDuration = TimeSpan.FromTicks(1);

        using var recommender = await new SasRecTrainer(options).TrainAsync(Toy.Ring, Toy.RingNext);

        Assert.Equal(1, recommender.Training!.Steps);
        Assert.Equal("time is over", recommender.Training.StopReason);
        Assert.True(double.IsFinite(recommender.Training.BestValidation));
    }

    [Fact]
    public async Task Train_NoTime_IsRefused()
    {
        var options = Small;
        options.MaxDuration = TimeSpan.Zero;

        var e = await Assert.ThrowsAsync<ArgumentException>(() => new SasRecTrainer(options).TrainAsync(Toy.Ring, Toy.RingNext));

        Assert.Contains("MaxDuration is 00:00:00", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_Cancelled_StopsAfterAStep()
    {
        using var source = new CancellationTokenSource();
        long last = 0;
        var progress = new Collector(report =>
        {
            last = report.Step;
            source.Cancel();
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new SasRecTrainer(Small).TrainAsync(Toy.Ring, Toy.RingNext, null, progress, source.Token));

        Assert.Equal(2, last);
    }

    [Fact]
    public async Task Train_MoreSteps_LeavesNoMoreTensors()
    {
        await LeftBehind(1);                                                                // what torch itself keeps is made here

        // TorchSharp's own modules leave some wrappers to the finalizer when they are made; steps must add nothing to those.
        long few = await LeftBehind(1), many = await LeftBehind(9);

        Assert.True(many <= few, $"{few} tensors after 1 epoch, {many} after 9.");

        static async Task<long> LeftBehind(int epochs)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            long before = torch.Tensor.TotalCount;
            var options = Small;
            options.MaxEpochs = epochs;
            using (var recommender = await new SasRecTrainer(options).TrainAsync(Toy.Ring, Toy.RingNext))
            {
                for (int i = 0; i < epochs; i++)
                {
                    await recommender.RecommendAsync(["i1"], 3);
                }
            }

            return torch.Tensor.TotalCount - before;
        }
    }

    [Fact]
    public async Task Train_NothingToLearn_SaysSo()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => new SasRecTrainer(Small).TrainAsync(Toy.Users("a", "b"), []));

        Assert.StartsWith("No training sequence has two items of the catalogue", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_ItemsOutsideCatalogue_WarnsOnceWithCounts()
    {
        var options = Small;
        options.MaxEpochs = 1;
        var logger = new FakeLogger<SasRecTrainer>();

        using var recommender = await new SasRecTrainer(options, logger: logger).TrainAsync(
            Toy.Users("a b x", "a b"),
            [new NextItemExample("v", ["x"], "a"), new NextItemExample("w", ["a"], "b"), new NextItemExample("z", ["b"], "x")],
            ["a", "b"]);

        Assert.Equal(1, recommender.DroppedInteractions);
        var warning =
            Assert.Single(logger.Collector.GetSnapshot(), record => record.Level == Microsoft.Extensions.Logging.LogLevel.Warning);
        Assert.Contains("1 training interactions name items outside the catalogue and were dropped; 1 validation rows", warning.Message,
            StringComparison.Ordinal);
        Assert.True(recommender.Training!.BestValidation <= 2 / 3.0, "The unknown target is a miss and counts in the denominator.");
    }

    [Fact]
    public void Options_Defaults_AreDocumented()
    {
        var options = new SasRecOptions();

        Assert.Equal((50, 128, 0.5, 1e-3, 0.01),
            (options.MaxLength, options.HiddenSize, options.Dropout, options.LearningRate, options.WeightDecay));
        Assert.Equal((64, 100, 5, 2, 2), (options.BatchSize, options.MaxEpochs, options.Patience, options.Layers, options.Heads));
    }

    [Fact]
    public void Options_OutOfRange_AllErrorsInOneMessage()
    {
        var error = Assert.Throws<OptionsValidationException>(() => new SasRecTrainer(new SasRecOptions
        {
            MaxLength = 0, HiddenSize = 9, Dropout = 1, LearningRate = 0, WeightDecay = -1, BatchSize = 0, MaxEpochs = 0, Patience = 0,
                Layers = 0,
        }));

        Assert.All(
            ["MaxLength", "Dropout", "LearningRate", "WeightDecay", "BatchSize", "MaxEpochs", "Patience", "Layers",
            "HiddenSize 9 must be a multiple of Heads 2."],
            part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }

    private sealed class Collector(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}

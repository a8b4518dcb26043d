using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using TorchSharp;

namespace MiniOneRec.Tests;

public sealed class SftTrainerTests
{
    [Fact]
    public async Task TrainAsync_EightUsers_AreLearnedByHeart()
    {
        var (recommender, _) = Toy.Recommender();
        using var owned = recommender;
        var users = Toy.Users();
        var options = new SftOptions { Epochs = 120, BatchSize = 8, WarmupSteps = 10, LearningRate = 5e-3, Dropout = 0, LabelSmoothing = 0,
            WeightDecay = 0 };

        var result = await new SftTrainer(options).TrainAsync(recommender, users);

        Assert.Equal(120, result.Steps);
        foreach (var user in users)
        {
            var answer = await recommender.RecommendAsync([.. user.ItemIds.Take(4)], 1);
            Assert.Equal(user.ItemIds[4], answer.Items[0].ItemId);
        }
    }

    [Fact]
    public async Task TrainAsync_SameSeed_GivesSameWeights()
    {
        var options = new SftOptions { Epochs = 3, BatchSize = 3, Validations = 2 };
        var users = Toy.Users();
        NextItemExample[] validation = [new("v", ["0", "5"], "10"), new("w", ["3"], "8")];

        var (first, _) = Toy.Recommender();
        var (second, _) = Toy.Recommender();
        using (first)
        using (second)
        {
            var a = await new SftTrainer(options).TrainAsync(first, users, validation);
            var b = await new SftTrainer(options).TrainAsync(second, users, validation);

            Assert.Equal(Toy.Weights(first.Model), Toy.Weights(second.Model));
            Assert.Equal(a.History.Select(h => h.Metrics["loss"]), b.History.Select(h => h.Metrics["loss"]));
        }
    }

    [Fact]
    public async Task TrainAsync_ManySteps_LeavesNoTensors()
    {
        var (recommender, _) = Toy.Recommender(16);
        using var owned = recommender;
        var trainer = new SftTrainer(new SftOptions { Epochs = 5, BatchSize = 4, Validations = 2 });
        NextItemExample[] validation = [new("v", ["0", "5"], "10")];
        await trainer.TrainAsync(recommender, Toy.Users(), validation);
        GC.Collect();                                           // what earlier tests left is taken off before counting
        GC.WaitForPendingFinalizers();
        long before = torch.Tensor.TotalCount;

        await trainer.TrainAsync(recommender, Toy.Users(), validation);

        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    [Fact]
    public async Task TrainAsync_Cancelled_StopsAfterAWholeStep()
    {
        var (recommender, _) = Toy.Recommender(16);
        using var owned = recommender;
        using var cancellation = new CancellationTokenSource();
        var steps = new List<long>();
        var progress = new Immediate(report =>
        {
            steps.Add(report.Step);
            if (report.Step == 3)
            {
                cancellation.Cancel();
            }
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new SftTrainer(new SftOptions { Epochs = 5, BatchSize = 2 })
            .TrainAsync(recommender, Toy.Users(), null, progress, cancellation.Token));

        Assert.Equal([1, 2, 3], steps);
    }

    [Fact]
    public async Task TrainAsync_Patience_StopsEarlyAndKeepsTheBest()
    {
        var (recommender, _) = Toy.Recommender(16);
        using var owned = recommender;
        var options = new SftOptions { Epochs = 40, BatchSize = 8, Validations = 40, Patience = 2, LearningRate = 0.05, WarmupSteps = 0,
            Validation = ValidationMetric.Loss };

        var result = await new SftTrainer(options).TrainAsync(recommender, Toy.Users(), [new("v", ["1", "2"], "23")]);

        Assert.Equal("early stopping", result.StopReason);
        Assert.True(result.BestStep < result.Steps);
        Assert.Equal(result.History[(int)result.BestStep - 1].Metrics["validation_loss"], result.BestValidation);
    }

    [Fact]
    public async Task TrainAsync_NothingToLearn_NamesTheTask()
    {
        var (recommender, _) = Toy.Recommender(16);
        using var owned = recommender;

        var error =
            await Assert.ThrowsAsync<ArgumentException>(() => new SftTrainer().TrainAsync(recommender, [new UserSequence("u", ["0"])]));

        Assert.Contains("next-sid", error.Message, StringComparison.Ordinal);
    }
}

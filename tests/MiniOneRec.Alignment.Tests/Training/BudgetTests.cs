using Microsoft.Extensions.Options;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Tests;

public sealed class BudgetTests
{
    private static readonly NextItemExample[] Validation = [new("v", ["0", "5"], "10"), new("w", ["3"], "8"), new("x", ["1", "6"], "11")];

    [Fact]
    public async Task MaxDuration_IsOver_EndsAfterAWholeStepWithAValidation()
    {
        using var recommender = Toy.Recommender(16).Recommender;
        var options = Options();
        options.MaxDuration = TimeSpan.FromTicks(1);
        var points = new List<TrainingProgress>();

        var result = await new SftTrainer(options).TrainAsync(recommender, Toy.Users(), Validation, new Immediate(points.Add));

        Assert.Equal(("time is over", 1L, 1L), (result.StopReason, result.Steps, result.BestStep));
        Assert.True(Assert.Single(points).Metrics.ContainsKey("NDCG@10"));
        Assert.Equal(result.History, points);
    }

    [Fact]
    public async Task MaxDuration_ThatIsNotReached_ChangesNothing()
    {
        using var plain = Toy.Recommender(16).Recommender;
        using var bounded = Toy.Recommender(16).Recommender;
        var options = Options();
        var expected = await new SftTrainer(options).TrainAsync(plain, Toy.Users(), Validation);
        options.MaxDuration = TimeSpan.FromDays(1);

        var result = await new SftTrainer(options).TrainAsync(bounded, Toy.Users(), Validation);

        Assert.Equal(Toy.Weights(plain.Model), Toy.Weights(bounded.Model));
        Assert.Equal(("completed", expected.Steps, expected.BestValidation), (result.StopReason, result.Steps, result.BestValidation));
    }

    [Fact]
    public async Task MaxDuration_WithMoreTime_ContinuesTheRunBitForBit()
    {
        using var folder = new TemporaryFolder();
        using var whole = Toy.Recommender(16).Recommender;
        var options = Options();
        await new SftTrainer(options).TrainAsync(whole, Toy.Users(), null);
        options.Checkpoints.Folder = folder["run"];
        options.MaxDuration = TimeSpan.FromTicks(1);
        using var first = Toy.Recommender(16).Recommender;
        Assert.Equal("time is over", (await new SftTrainer(options).TrainAsync(first, Toy.Users(), null)).StopReason);

        using var none = Toy.Recommender(16).Recommender;
        var again = await new SftTrainer(options).TrainAsync(none, Toy.Users(), null);
        options.MaxDuration = TimeSpan.FromDays(1);
        using var second = Toy.Recommender(16).Recommender;
        var result = await new SftTrainer(options).TrainAsync(second, Toy.Users(), null);

        Assert.Equal(("time is over", 1L, 0), (again.StopReason, again.Steps, again.History.Count));
        Assert.Equal("completed", result.StopReason);
        Assert.Equal(2, result.History[0].Step);
        Assert.Equal(Toy.Weights(whole.Model), Toy.Weights(second.Model));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void MaxDuration_NoTime_IsRefused(int seconds)
    {
        var options = Options();
        options.MaxDuration = TimeSpan.FromSeconds(seconds);
        Assert.Contains("MaxDuration", Assert.Throws<OptionsValidationException>(() => new SftTrainer(options)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TrainingPrecision.Full)]
    [InlineData(TrainingPrecision.BFloat16)]
    public async Task GradientExchange_IsCalledOncePerStep_AndItsGradientsAreTaken(TrainingPrecision precision)
    {
        using var plain = Toy.Recommender(16).Recommender;
        using var exchanged = Toy.Recommender(16).Recommender;
        var options = Options();
        (options.Precision, options.MicroBatchTokens) = (precision, 20);
        var expected = await new SftTrainer(options).TrainAsync(plain, Toy.Users(), null);
        var exchange = new Counting();

        var result = await new SftTrainer(options) { GradientExchange = exchange }.TrainAsync(exchanged, Toy.Users(), null);

        Assert.Equal(expected.Steps, exchange.Calls);
        Assert.Equal(expected.History[0].Metrics["gradient_norm"] * 2, result.History[0].Metrics["gradient_norm"], 1e-4);
    }

    private static SftOptions Options() => new() { Epochs = 2, BatchSize = 3, WarmupSteps = 3, Validations = 5, MicroBatchTokens = 40 };

    private sealed class Counting : IGradientExchange
    {
        public int Calls { get; private set; }

        public void Exchange(IReadOnlyList<Parameter> parameters)
        {
            using var _ = no_grad();
            Calls++;
            foreach (var gradient in parameters.Select(parameter => parameter.grad).OfType<Tensor>())
            {
                gradient.mul_(2);
            }
        }
    }
}

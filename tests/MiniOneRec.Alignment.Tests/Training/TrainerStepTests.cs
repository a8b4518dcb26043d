using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using TorchSharp;

namespace MiniOneRec.Tests;

/// <summary>What the trainer's steps do to the weights.</summary>
public sealed class TrainerStepTests
{
    [Fact]
    public async Task WeightDecay_ShrinksMatrices_AndLeavesVectorsAlone()
    {
        const double Decay = 0.5, Rate = 0.01;
        using var plain = Toy.Recommender(16).Recommender;
        using var decayed = Toy.Recommender(16).Recommender;
        var before = Named(plain.Model);
        async Task<Dictionary<string, float[]>> After(GenerativeRecommender recommender, double decay)
        {
            var options = Toy.Plain;
            (options.MaxSteps, options.LearningRate, options.WeightDecay) = (1, Rate, decay);
            await new SftTrainer(options).TrainAsync(recommender, Toy.Users());
            return Named(recommender.Model);
        }

        var without = await After(plain, 0);
        var with = await After(decayed, Decay);

        foreach (var (name, start) in before)
        {
            bool isVector = name.EndsWith("norm.weight", StringComparison.Ordinal) || name.EndsWith("bias", StringComparison.Ordinal);
            double shrink = isVector ? 0 : Rate * Decay;
            Assert.All(start.Index(),
                entry => Assert.Equal(without[name][entry.Index] - shrink * entry.Item, with[name][entry.Index], 1e-6));
        }
    }

    [Fact]
    public async Task AverageDecay_ReturnsTheMovingAverage_AndLeavesTrainingAsItIs()
    {
        using var plain = Toy.Recommender(16).Recommender;
        using var averaged = Toy.Recommender(16).Recommender;
        var options = Toy.Plain;
        options.Epochs = 6;
        float[] expected = Toy.Weights(plain.Model);
        await new SftTrainer(options).TrainAsync(plain, Toy.Users(), null, new Immediate(report =>
        {
            float share = (float)(1 - Math.Min(0.8, report.Step / (report.Step + 9.0)));
            float[] now = Toy.Weights(plain.Model);
            expected = [.. expected.Select((value, i) => value + share * (now[i] - value))];
        }));

        options.AverageDecay = 0.8;
        await new SftTrainer(options).TrainAsync(averaged, Toy.Users());

        Assert.All(expected.Zip(Toy.Weights(averaged.Model)), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.NotEqual(Toy.Weights(plain.Model), Toy.Weights(averaged.Model));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    public async Task MicroBatches_TrainTheSameWeights(int microBatchTokens)
    {
        using var whole = Toy.Recommender(16).Recommender;
        using var split = Toy.Recommender(16).Recommender;
        var options = Toy.Plain;
        (options.BatchSize, options.Epochs, options.ClipNorm) = (8, 5, 0.5);
        await new SftTrainer(options).TrainAsync(whole, Toy.Users());

        options.MicroBatchTokens = microBatchTokens;
        await new SftTrainer(options).TrainAsync(split, Toy.Users());

        Assert.All(Toy.Weights(whole.Model).Zip(Toy.Weights(split.Model)), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public async Task ClipNorm_ScalesTheGradient_AndReportsItsOwnNorm()
    {
        using var free = Toy.Recommender(16).Recommender;
        using var clipped = Toy.Recommender(16).Recommender;
        var options = Toy.Plain;
        options.MaxSteps = 1;
        var a = await new SftTrainer(options).TrainAsync(free, Toy.Users());
        options.ClipNorm = 1e-9;

        var b = await new SftTrainer(options).TrainAsync(clipped, Toy.Users());

        Assert.Equal(a.History[0].Metrics["gradient_norm"], b.History[0].Metrics["gradient_norm"]);
        var start = Toy.Recommender(16).Recommender;
        using (start)
        {
            // Adam's first step is the sign of the gradient, unless the gradient is as small as its epsilon.
            float Moved(GenerativeRecommender recommender) =>
                Toy.Weights(start.Model).Zip(Toy.Weights(recommender.Model)).Max(pair => Math.Abs(pair.First - pair.Second));
            Assert.InRange(Moved(free), 0.009, 0.011);
            Assert.InRange(Moved(clipped), 0, 0.002);
        }
    }

    [Fact]
    public async Task Losses_AreReportedByTask_AndTheWholeIsTheirMeanOverLabels()
    {
        using var recommender = Toy.Recommender(16).Recommender;
        IAlignmentTask[] tasks = [new NextItemTask(), new Constant("other", [1, 8], [9, 12]) { Weight = 2 }];
        var options = Toy.Plain;
        options.BatchSize = 1_000;

        var result = await new SftTrainer(tasks, options).TrainAsync(recommender, Toy.Users());

        var metrics = Assert.Single(result.History).Metrics;
        int next = 8 * 5 * 3, other = 2 * 2;
        Assert.Equal((next * metrics["nll/next-sid"] + other * metrics["nll/other"]) / (next + other), metrics["loss"], 1e-5);
        Assert.True(metrics["tokens_per_second"] > 0 && metrics["samples_per_second"] > 0 && metrics["memory_mb"] > 0);
    }

    [Fact]
    public async Task Diverged_NamesStepSamplesAndCheckpoint_AndLeavesTheWeightsOfTheStepBefore()
    {
        using var folder = new TemporaryFolder();
        using var recommender = Toy.Recommender(16).Recommender;
        var options = Toy.Plain;
        (options.Epochs, options.Checkpoints.Folder, options.Checkpoints.Every) = (3, folder["run"], 4);
        float[]? good = null;
        var progress = new Immediate(report =>
        {
            if (report.Step == 5)
            {
                good = Toy.Weights(recommender.Model);
                using var noGrad = torch.no_grad();
                recommender.Model.HeadWeight.fill_(float.NaN);
            }
        });

        var error = await Assert.ThrowsAsync<TrainingDivergedException>(() =>
            new SftTrainer(options).TrainAsync(recommender, Toy.Users(), null, progress));

        Assert.NotNull(good);
        Assert.Equal(6, error.Step);
        Assert.Equal(2, error.SampleIds.Count);
        Assert.All(error.SampleIds, id => Assert.Contains(id, error.Message, StringComparison.Ordinal));
        Assert.Equal(folder["run/step-000000004"], error.Checkpoint);
        Assert.Contains("Step 6: the loss is NaN", error.Message, StringComparison.Ordinal);
        Assert.Contains("step-000000004", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task BestWeights_AreTheOnesGivenBack(bool inFiles)
    {
        using var folder = new TemporaryFolder();
        using var recommender = Toy.Recommender(16).Recommender;
        var options = Toy.Plain;
        (options.Epochs, options.LearningRate, options.Validations, options.Validation) = (10, 0.05, 20, ValidationMetric.Loss);
        (options.Checkpoints.Folder, options.KeepBest) = inFiles ? (folder["run"], 3) : (null, 1);
        var seen = new Dictionary<long, (float[] Weights, double Loss)>();

        var result = await new SftTrainer(options)
            .TrainAsync(recommender, Toy.Users(), [new("v", ["1", "2"], "23")], new Immediate(report =>
        {
            if (report.Metrics.TryGetValue("validation_loss", out double loss))
            {
                seen[report.Step] = (Toy.Weights(recommender.Model), loss);
            }
        }));

        var ranked = seen.OrderBy(pair => pair.Value.Loss).Select(pair => pair.Key).ToArray();
        Assert.Equal(20, ranked.Length);
        Assert.Equal(ranked[0], result.BestStep);
        Assert.True(result.BestStep < result.Steps);
        Assert.Equal(seen[result.BestStep].Weights, Toy.Weights(recommender.Model));
        if (inFiles)
        {
            Assert.Equal(ranked[..3].Order().Select(step => $"best-{step:D9}.safetensors"),
                Directory.GetFiles(folder["run"], "best-*").Select(Path.GetFileName).Order());
        }
    }

    [Fact]
    public async Task TokenBeyondTheVocabulary_NamesSampleAndToken()
    {
        using var recommender = Toy.Recommender(16).Recommender;

        var error = await Assert.ThrowsAsync<ArgumentException>(
            () => new SftTrainer([new Constant("odd", [1, 8], [9, 999])], Toy.Plain).TrainAsync(recommender, Toy.Users()));

        Assert.Equal("Sample 'odd' of task 'odd' holds token 999; the model has 20 tokens.", error.Message);
    }

    [Fact]
    public async Task NothingLeftAfterFiltering_SaysWhatWasLeftOut()
    {
        using var recommender = Toy.Recommender(16).Recommender;
        var options = Toy.Plain;
        options.MaxTokens = 2;

        var error = await Assert.ThrowsAsync<ArgumentException>(
            () => new SftTrainer([new Constant("long", [1, 8], [9, 10, 11])], options).TrainAsync(recommender, Toy.Users()));

        Assert.Contains("the tasks long made no samples", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 of long: no room for the answer within 2 tokens", error.Message, StringComparison.Ordinal);
    }

    private static Dictionary<string, float[]> Named(CausalLanguageModel model) =>
        model.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.detach().data<float>().ToArray());

    private sealed class Constant(string name, int[] prompt, int[] response) : IAlignmentTask
    {
        public string Name => name;

        public double Weight { get; init; } = 1;

        public IEnumerable<TokenSample> CreateSamples(TaskContext context) => [TokenSample.Of(prompt, response, name, name)];
    }
}

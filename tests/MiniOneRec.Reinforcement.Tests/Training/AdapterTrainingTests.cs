using MiniOneRec.Modeling;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>A model with low-rank adapters: they learn, and the model without them is the reference.</summary>
public sealed class AdapterTrainingTests
{
    private static readonly NextItemExample[] Users =
        [.. Enumerable.Range(0, 8).Select(u => new NextItemExample($"u{u}", [$"i{u}", $"i{u + 8}"], $"i{(u * 3) % 20}"))];

    [Fact]
    public async Task TrainAsync_AdapterOff_TrainsTheAdaptersAndLeavesTheModel()
    {
        using var adapted = new Adapted();
        float[] model = adapted.ModelWeights(), adapters = adapted.AdapterWeights();

        var result = await new GrpoTrainer([new ExactMatchReward(), new SharedPrefixReward()], Options(steps: 6))
            .TrainAsync(adapted.Recommender, Users);

        Assert.Equal(model, adapted.ModelWeights());
        Assert.NotEqual(adapters, adapted.AdapterWeights());
        Assert.Equal(0, result.History[1].Metrics["kl"], 1e-9);         // fresh adapters change nothing
        Assert.True(result.History[^1].Metrics["kl"] > 1e-5);
        Assert.All(adapted.Recommender.Model.parameters(), parameter => Assert.True(parameter.requires_grad));
        Assert.All(adapted.Projections, projection => Assert.NotNull(projection.Adapter));
    }

    [Fact]
    public async Task TrainAsync_AdapterOff_PutsTheBestAdaptersBack()
    {
        using var adapted = new Adapted();
        float[] adapters = adapted.AdapterWeights();
        var options = Options(steps: 8);
        options.LearningRate = 0.1;

        // Rewarding anything but the targets, the run can only hurt.
        var result = await new GrpoTrainer([new WeightedReward(new SharedPrefixReward(), -1)], options)
            .TrainAsync(adapted.Recommender, Users, Users);

        Assert.Equal(0, result.BestStep);
        Assert.True(result.History[^1].Metrics["kl"] > 0.01);
        Assert.Equal(adapters, adapted.AdapterWeights());
    }

    [Fact]
    public async Task TrainAsync_AdapterOffKilledAndResumed_EqualsTheUninterruptedRun()
    {
        string folder = Path.Combine(Path.GetTempPath(), "grpo-adapters-" + Guid.NewGuid().ToString("N"));
        Task TrainAsync(Adapted adapted, int cancelAfter, string? checkpoints, CancellationTokenSource cancellation)
        {
            var options = Options(steps: 8);
            options.Checkpoints = new CheckpointOptions { Folder = checkpoints, Every = 3, Resume = true };
            return new GrpoTrainer([new ExactMatchReward(), new SharedPrefixReward()], options, new RandomRolloutSampler()).TrainAsync(
                adapted.Recommender, Users, Users, new CancelAt(cancelAfter, cancellation), cancellation.Token);
        }

        try
        {
            using var never = new CancellationTokenSource();
            using var soon = new CancellationTokenSource();
            using var whole = new Adapted();
            await TrainAsync(whole, int.MaxValue, null, never);
            using var killed = new Adapted();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => TrainAsync(killed, 4, folder, soon));
            using var resumed = new Adapted();
            await TrainAsync(resumed, int.MaxValue, folder, never);

            Assert.Equal(whole.AdapterWeights(), resumed.AdapterWeights());
        }
        finally
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    [Fact]
    public async Task TrainAsync_ReferenceThatDoesNotFitTheAdapters_SaysWhatDoes()
    {
        using var adapted = new Adapted();
        var copied = Options(steps: 1);
        copied.Reference.Kind = ReferenceKind.FrozenCopy;
        using var plain = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

        var copy = await Assert.ThrowsAsync<ArgumentException>(() =>
            new GrpoTrainer([new ExactMatchReward()], copied).TrainAsync(adapted.Recommender, Users));
        Assert.Contains("set Reference.Kind to AdapterOff", copy.Message, StringComparison.Ordinal);
        Assert.All(adapted.Recommender.Model.parameters(), parameter => Assert.True(parameter.requires_grad));
        var none = await Assert.ThrowsAsync<ArgumentException>(() =>
            new GrpoTrainer([new ExactMatchReward()], Options(steps: 1)).TrainAsync(plain, Users));
        Assert.Contains("AdapterOff needs a model with low-rank adapters", none.Message, StringComparison.Ordinal);
    }

    private static GrpoOptions Options(int steps) => new()
    {
        Steps = steps,
        PromptsPerStep = 8,
        GroupSize = 6,
        LearningRate = 0.01,
        WarmupSteps = 0,
        Reference = new ReferenceOptions { Kind = ReferenceKind.AdapterOff },
        Guards = new GuardOptions { ValidateEverySteps = 2, KlCeiling = 0 },
    };

    /// <summary>A tiny recommender with a rank-2 adapter, A drawn and B zero, at every map.</summary>
    private sealed class Adapted : IDisposable
    {
        private readonly List<Parameter> _parameters = [];

        public Adapted()
        {
            random.manual_seed(4);
            Projections = [.. Recommender.Model.modules().OfType<Projection>()];
            foreach (var projection in Projections)
            {
                var a = new Parameter(randn(2, projection.Weight.size(1)) * 0.5);
                var b = new Parameter(zeros(projection.Weight.size(0), 2));
                _parameters.AddRange([a, b]);
                projection.Adapter = new ProjectionAdapter(x => x.mm(a.t()).mm(b.t()), [("a", a), ("b", b)]);
            }
        }

        public GenerativeRecommender Recommender { get; } = Toy.Recommender(Toy.Index(20, [4, 4, 4]));

        public Projection[] Projections { get; }

        public float[] ModelWeights() => Values(Recommender.Model.parameters());

        public float[] AdapterWeights() => Values(_parameters);

        public void Dispose()
        {
            Recommender.Dispose();
            _parameters.ForEach(parameter => parameter.Dispose());
        }

        private static float[] Values(IEnumerable<Parameter> parameters) =>
            [.. parameters.SelectMany(parameter => parameter.detach().data<float>().ToArray())];
    }

    private sealed class CancelAt(int step, CancellationTokenSource cancellation) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == step)
            {
                cancellation.Cancel();
            }
        }
    }
}

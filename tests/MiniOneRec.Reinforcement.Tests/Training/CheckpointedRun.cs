using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>A short GRPO run with a checkpoint folder: six steps on eight users.</summary>
internal static class CheckpointedRun
{
    public static readonly NextItemExample[] Users =
        [.. Enumerable.Range(0, 8).Select(u => new NextItemExample($"u{u}", [$"i{u}", $"i{u + 8}"], $"i{(u * 3) % 20}"))];

    public static IRewardFunction[] Rewards => [new ExactMatchReward(), new SharedPrefixReward()];

    public static GrpoTrainer Trainer(string? folder, double rate = 5e-3)
    {
        var options = Options(folder);
        options.LearningRate = rate;
        return new(Rewards, options, new RandomRolloutSampler());
    }

    public static GrpoOptions Options(string? folder) => new()
    {
        Steps = 6, PromptsPerStep = 4, GroupSize = 8, LearningRate = 5e-3, WarmupSteps = 0,
        Checkpoints = new CheckpointOptions { Folder = folder, Every = 50, Resume = true },
    };

    /// <summary>Runs until the third step, so that a checkpoint stays in the folder.</summary>
    public static async Task InterruptedAsync(string folder, double rate = 5e-3)
    {
        using var model = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        using var cancellation = new CancellationTokenSource();
        var progress = new Reporter(report =>
        {
            if (report.Step == 3)
            {
                cancellation.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            Trainer(folder, rate).TrainAsync(model, Users, Users, progress, cancellation.Token));
    }

    public static float[] Weights(GenerativeRecommender recommender) =>
        [.. recommender.Model.parameters().SelectMany(parameter => parameter.detach().cpu().data<float>().ToArray())];

    /// <summary>Calls a delegate at every report.</summary>
    internal sealed class Reporter(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}

using System.Diagnostics.Metrics;
using MiniOneRec.Modeling;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;

namespace MiniOneRec.Reinforcement;

/// <summary>What a run of a policy is given.</summary>
/// <param name="Stage">Its name in progress, logs, metrics and checkpoints.</param>
/// <param name="Recommender">Answers for the held-out examples; its model is improved.</param>
/// <param name="Options">The options.</param>
/// <param name="Train">The examples.</param>
internal sealed record PolicyTask(string Stage, DirectRecommender Recommender, PolicyTrainingOptions Options,
    IReadOnlyList<RolloutExample> Train)
{
    /// <summary>Gets the held-out examples; empty for none.</summary>
    public IReadOnlyList<NextItemExample> Validation { get; init; } = [];

    /// <summary>Gets the caller's reference, or <see langword="null"/>.</summary>
    public CausalLanguageModel? Reference { get; init; }

    /// <summary>Gets the rewards, or <see langword="null"/> where the stage has none.</summary>
    public RewardSum? Rewards { get; init; }

    /// <summary>Gets what else a resumed run must share, by name: rewards, sampler.</summary>
    public IReadOnlyDictionary<string, string> Identity { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets the exchange that combines the gradients of several processes, or <see langword="null"/> for one process.</summary>
    public IGradientExchange? Exchange { get; init; }

    /// <summary>Gets the processes that train together.</summary>
    public ParallelRun Parallel { get; init; } = ParallelRun.Of(null, Sharding.None);

    /// <summary>Gets the factory of the meter, or <see langword="null"/> for one that ends with the run.</summary>
    public IMeterFactory? Meters { get; init; }
}

namespace MiniOneRec.Training;

/// <summary>What a training loop is to do.</summary>
internal sealed record TrainingPlan
{
    /// <summary>Gets the name of the stage in reports.</summary>
    public required string Stage { get; init; }

    /// <summary>Gets how long the run may train.</summary>
    public required TrainingBudget Budget { get; init; }

    /// <summary>Gets the steps per epoch.</summary>
    public required long StepsPerEpoch { get; init; }

    /// <summary>Gets the learning rate of each step.</summary>
    public required LearningRateCurve LearningRate { get; init; }

    /// <summary>Gets whether the learning rate ends its course when time ends the run. A tenth of the time passes first, so that a slow
    /// start does not count, and a run that keeps ahead of its time follows its steps alone.</summary>
    public bool LearningRateFollowsTime { get; init; }

    /// <summary>Gets the run's seed.</summary>
    public int Seed { get; init; }

    /// <summary>Gets when the run validates, or <see langword="null"/> for never.</summary>
    public ValidationOptions? Validation { get; init; }

    /// <summary>Gets the figures of a report before the first step, or <see langword="null"/> for none unless the starting weights are
    /// validated.</summary>
    public IReadOnlyDictionary<string, double>? StartMetrics { get; init; }

    /// <summary>Gets the steps between two checkpoints; 0 for none.</summary>
    public long CheckpointEvery { get; init; }

    /// <summary>Gets the steps between two reports that the result keeps; the caller's progress sees all.</summary>
    public long HistoryEvery { get; init; } = 1;

    /// <summary>Gets the most steps that are run.</summary>
    public long TotalSteps => Budget.StepsOf(StepsPerEpoch);
}

namespace MiniOneRec.Training;

/// <summary>Does one step of a training run; knows its data, model and loss, which the loop does not.</summary>
internal interface ITrainingStep
{
    /// <summary>Takes a step.</summary>
    /// <param name="context">Which step.</param>
    StepOutcome Run(StepContext context);
}

/// <summary>What a step is told.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="TotalSteps">The planned steps.</param>
/// <param name="LearningRate">The learning rate of this step.</param>
/// <param name="Seed">A seed of this step, mixed from the run's seed and the step.</param>
internal readonly record struct StepContext(long Step, long TotalSteps, double LearningRate, long Seed);

/// <summary>What a step did.</summary>
internal sealed record StepOutcome
{
    /// <summary>Gets the figures to report, or <see langword="null"/> where this step reports none.</summary>
    public Dictionary<string, double>? Metrics { get; init; }

    /// <summary>Gets the name of what was not finite, or <see langword="null"/>. It ends the run with
    /// <see cref="TrainingDivergedException"/>.</summary>
    public string? Divergence { get; init; }

    /// <summary>Gets why the run should stop after this step, or <see langword="null"/>.</summary>
    public string? StopReason { get; init; }
}

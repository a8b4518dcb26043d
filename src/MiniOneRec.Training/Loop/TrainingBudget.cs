namespace MiniOneRec.Training;

/// <summary>How long a run may train; the first bound that is reached ends it.</summary>
internal sealed record TrainingBudget
{
    /// <summary>Gets the passes over the training set, or <see langword="null"/> for no bound.</summary>
    public int? Epochs { get; init; }

    /// <summary>Gets the steps, or <see langword="null"/> for no bound.</summary>
    public long? MaxSteps { get; init; }

    /// <summary>Gets the time spent in steps, or <see langword="null"/> for no bound. Validations and checkpoints do not count.</summary>
    public TimeSpan? MaxDuration { get; init; }

    /// <summary>Computes the most steps that the budget allows; <see cref="long.MaxValue"/> where only time bounds it.</summary>
    /// <param name="stepsPerEpoch">Steps per epoch.</param>
    /// <exception cref="ArgumentException">The budget has no bound, or no time.</exception>
    public long StepsOf(long stepsPerEpoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stepsPerEpoch);
        if (MaxDuration <= TimeSpan.Zero)
        {
            throw new ArgumentException($"MaxDuration is {MaxDuration}; expected more than no time, or null for no limit.");
        }

        return Epochs is null && MaxSteps is null && MaxDuration is null
            ? throw new ArgumentException("The budget of a training run needs a bound: Epochs, MaxSteps or MaxDuration.")
            : Math.Min(Epochs is { } epochs ? epochs * stepsPerEpoch : long.MaxValue, MaxSteps ?? long.MaxValue);
    }

    /// <summary>Whether a run has used up its time.</summary>
    /// <param name="trained">The time spent in steps.</param>
    public bool IsTimeOver(TimeSpan trained) => trained >= MaxDuration;
}

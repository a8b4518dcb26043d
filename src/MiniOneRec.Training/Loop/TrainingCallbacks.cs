namespace MiniOneRec.Training;

/// <summary>What a training loop calls besides its step. Everything but <see cref="Diverged"/> does nothing by default.</summary>
internal abstract class TrainingCallbacks
{
    /// <summary>Measures the weights as they stand and keeps them where they are the best.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="metrics">Receives the figures.</param>
    /// <param name="cancellationToken">May end the measurement, which is then made up for when the run is resumed.</param>
    public virtual ValidationOutcome Validate(long step, Dictionary<string, double> metrics, CancellationToken cancellationToken) =>
        new(Improved: true);

    /// <summary>Saves the run.</summary>
    /// <param name="state">Where it stands.</param>
    /// <param name="cause">Why it is saved now.</param>
    public virtual void Save(LoopState state, SaveCause cause)
    {
    }

    /// <summary>Receives each report before the caller's progress does.</summary>
    public virtual void Report(TrainingProgress report)
    {
    }

    /// <summary>Agrees with other processes whether the run is cancelled.</summary>
    /// <param name="cancelled">Whether this process was asked to cancel it.</param>
    public virtual bool AgreeToCancel(bool cancelled) => cancelled;

    /// <summary>Agrees with other processes on the time spent in steps, where it bounds the run.</summary>
    /// <param name="trained">The time by this process's clock.</param>
    public virtual TimeSpan AgreeOnTime(TimeSpan trained) => trained;

    /// <summary>Makes the exception that ends a run whose numbers are not finite; may put better weights back first.</summary>
    /// <param name="step">The step that failed.</param>
    /// <param name="what">What was no finite number.</param>
    public abstract TrainingDivergedException Diverged(long step, string what);
}

/// <summary>What a validation said.</summary>
/// <param name="Improved">Whether the weights are the best so far.</param>
internal readonly record struct ValidationOutcome(bool Improved)
{
    /// <summary>Gets what the run says if patience ends it here.</summary>
    public string StopReason { get; init; } = "early stopping";
}

/// <summary>Why a run is saved.</summary>
internal enum SaveCause
{
    /// <summary>The interval of checkpoints has passed.</summary>
    Interval,

    /// <summary>The caller cancels the run.</summary>
    Cancelled,

    /// <summary>The run is over.</summary>
    Ended,
}

namespace MiniOneRec.Training;

/// <summary>Where a training loop stands.</summary>
internal sealed record LoopState
{
    /// <summary>Gets the steps done.</summary>
    public long Step { get; init; }

    /// <summary>Gets the validations since the best one.</summary>
    public int SinceBest { get; init; }

    /// <summary>Gets whether the validation after the last step is still to be done.</summary>
    public bool ValidationDue { get; init; }

    /// <summary>Gets the time spent in steps.</summary>
    public TimeSpan Trained { get; init; }

    /// <summary>Gets why the run is over, or <see langword="null"/> while it is not.</summary>
    public string? StopReason { get; init; }
}

namespace MiniOneRec.Training;

/// <summary>When a run validates and when it gives up. The last validation is at the end of the run.</summary>
internal sealed record ValidationOptions
{
    /// <summary>Gets the steps between two validations, or <see langword="null"/> where <see cref="Count"/> says how many there
    /// are.</summary>
    public long? Every { get; init; }

    /// <summary>Gets how many validations are spread evenly over the run: over its steps, or over its time where that ends it
    /// earlier.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Gets whether the starting weights are validated too.</summary>
    public bool AtStart { get; init; }

    /// <summary>Gets after how many validations without a better one training stops; 0 for never.</summary>
    public int Patience { get; init; }

    /// <summary>Counts the validations that are due by a step.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="total">Steps planned.</param>
    /// <param name="trained">The time spent in steps.</param>
    /// <param name="limit">The time that may be spent, or <see langword="null"/>.</param>
    public long Reached(long step, long total, TimeSpan trained, TimeSpan? limit)
    {
        if (Every is { } every)
        {
            return step / every + (step >= total && step % every != 0 ? 1 : 0);
        }

        long bySteps = (long)((Int128)step * Count / total);
        return limit is { } most && most > TimeSpan.Zero ? Math.Max(bySteps, (long)(Math.Min(1, trained / most) * Count)) : bySteps;
    }
}

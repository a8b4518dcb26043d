namespace MiniOneRec.Training;

/// <summary>The learning rate of each step: a straight rise, then a schedule down to a floor.</summary>
internal sealed record LearningRateCurve
{
    /// <summary>Gets the rate at the end of the warm-up.</summary>
    public required double Peak { get; init; }

    /// <summary>Gets how the rate moves after the warm-up.</summary>
    public LearningRateSchedule Schedule { get; init; }

    /// <summary>Gets the steps of the warm-up.</summary>
    public long WarmupSteps { get; init; }

    /// <summary>Gets the planned steps, warm-up included.</summary>
    public long TotalSteps { get; init; }

    /// <summary>Gets the lowest rate after the warm-up, as a share of the peak.</summary>
    public double Floor { get; init; }

    /// <summary>
    /// Gets whether the last step of the warm-up has the peak itself. Otherwise it has peak · W / W, whose last bit can differ: recorded
    /// runs of quantizers depend on the one, those of decoders on the other.
    /// </summary>
    public bool ExactPeak { get; init; }

    /// <summary>Computes the rate of a step.</summary>
    /// <param name="step">The step, from 1.</param>
    public double At(long step)
    {
        if (step < WarmupSteps || (step == WarmupSteps && !ExactPeak))
        {
            return Peak * step / WarmupSteps;
        }

        double done = Math.Clamp((double)(step - 1 - WarmupSteps) / Math.Max(1, TotalSteps - WarmupSteps), 0, 1);
        double share = Schedule switch
        {
            LearningRateSchedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * done)),
            LearningRateSchedule.Linear => 1 - done,
            _ => 1,
        };
        return Peak * (Floor + (1 - Floor) * share);
    }
}

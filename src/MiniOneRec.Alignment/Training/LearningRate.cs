namespace MiniOneRec.Alignment;

/// <summary>The learning rate of each step.</summary>
internal static class LearningRate
{
    /// <param name="options">Peak, warm-up, schedule and floor.</param>
    /// <param name="step">The step, from 1.</param>
    /// <param name="totalSteps">The planned steps.</param>
    public static double At(SftOptions options, long step, long totalSteps)
    {
        long warmup = Math.Min(options.WarmupSteps, totalSteps);
        if (step <= warmup)
        {
            return options.LearningRate * step / warmup;
        }

        double progress = (double)(step - 1 - warmup) / Math.Max(1, totalSteps - warmup);
        double share = options.Schedule switch
        {
            LearningRateSchedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * progress)),
            LearningRateSchedule.Linear => 1 - progress,
            _ => 1,
        };
        return options.LearningRate * (options.LearningRateFloor + (1 - options.LearningRateFloor) * share);
    }
}

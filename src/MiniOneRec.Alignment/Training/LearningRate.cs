using MiniOneRec.Training;

namespace MiniOneRec.Alignment;

/// <summary>The learning rate of each step.</summary>
internal static class LearningRate
{
    /// <summary>Computes the rate of a step.</summary>
    /// <param name="options">Peak, warm-up, schedule and floor.</param>
    /// <param name="step">The step, from 1.</param>
    /// <param name="totalSteps">The planned steps.</param>
    public static double At(SftOptions options, long step, long totalSteps) => Curve(options, totalSteps).At(step);

    /// <summary>Makes the curve of a run; a warm-up that is longer than the run ends with it.</summary>
    public static LearningRateCurve Curve(SftOptions options, long totalSteps) => new()
    {
        Peak = options.LearningRate,
        Schedule = options.Schedule,
        WarmupSteps = Math.Min(options.WarmupSteps, totalSteps),
        TotalSteps = totalSteps,
        Floor = options.LearningRateFloor,
    };
}

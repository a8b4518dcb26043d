using Microsoft.Extensions.Logging;

namespace MiniOneRec.Baselines.Generative;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Training {Stage}: {Rows} rows, {Validation} validation rows, at most {Steps} steps")]
    public static partial void TrainingStarted(ILogger logger, string stage, int rows, int validation, long steps);

    [LoggerMessage(2, LogLevel.Debug, "{Stage} epoch {Epoch}: validation NDCG@10 {Ndcg:F4}")]
    public static partial void EpochFinished(ILogger logger, string stage, long epoch, double ndcg);

    [LoggerMessage(3, LogLevel.Information,
        "Trained {Stage}: {Reason} after {Steps} steps, weights of step {BestStep}, validation NDCG@10 {Ndcg:F4}, {Seconds:F1} s")]
    public static partial void TrainingFinished(
        ILogger logger, string stage, string reason, long steps, long bestStep, double ndcg, double seconds);
}

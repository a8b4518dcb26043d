using Microsoft.Extensions.Logging;

namespace MiniOneRec.Reinforcement;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "{Stage}: {Examples} examples, {Steps} steps")]
    public static partial void Started(ILogger logger, string stage, int examples, int steps);

    [LoggerMessage(2, LogLevel.Warning, "{Stage}: {Count} examples were left out because their target is not in the catalogue")]
    public static partial void TargetsSkipped(ILogger logger, string stage, int count);

    [LoggerMessage(3, LogLevel.Debug, "{Stage}: step {Step}, loss {Loss:F4}, KL {Kl:F4}")]
    public static partial void Step(ILogger logger, string stage, long step, double loss, double kl);

    [LoggerMessage(4, LogLevel.Information, "{Stage}: step {Step}, validation HR@1 {Hr1:F4}, HR@10 {Hr10:F4}, NDCG@10 {Ndcg10:F4}")]
    public static partial void Validated(ILogger logger, string stage, long step, double hr1, double hr10, double ndcg10);

    [LoggerMessage(5, LogLevel.Warning, "{Stage}: stopped by {Reason}")]
    public static partial void Stopped(ILogger logger, string stage, string reason);

    [LoggerMessage(6, LogLevel.Debug, "{Stage}: state after step {Step} saved to '{Folder}'")]
    public static partial void Saved(ILogger logger, string stage, long step, string folder);

    [LoggerMessage(7, LogLevel.Information, "{Stage}: resumed after step {Step}")]
    public static partial void Resumed(ILogger logger, string stage, long step);

    [LoggerMessage(8, LogLevel.Debug, "{Stage}: the last bits of the weights depend on: {Environment}")]
    public static partial void Environment(ILogger logger, string stage, string environment);

    [LoggerMessage(9, LogLevel.Warning, "{Stage}: the checkpoint was written with {There}; this process has {Here}. "
        + "The run goes on, but its last bits can differ from those of an uninterrupted one")]
    public static partial void OtherEnvironment(ILogger logger, string stage, string there, string here);

    [LoggerMessage(10, LogLevel.Warning, "{Stage}: ended after {Steps} steps with the weights that it started with: {Reason}")]
    public static partial void KeptStart(ILogger logger, string stage, long steps, string reason);
}

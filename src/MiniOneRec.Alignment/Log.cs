using Microsoft.Extensions.Logging;
using MiniOneRec.Tensors;

namespace MiniOneRec.Alignment;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "{Note}")]
    public static partial void SettingsNote(ILogger logger, string note);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Training on {Samples} samples with {Labels} labels: {Steps} steps of {BatchSize}, {Parameters} parameters.")]
    public static partial void TrainingStarted(ILogger logger, int samples, long labels, long steps, int batchSize, long parameters);

    [LoggerMessage(Level = LogLevel.Debug,
        Message = "Step {Step} of {Steps}: loss {Loss:F4}, learning rate {Rate:G3}, gradient norm {Norm:G3}, {Speed:F0} tokens/s.")]
    public static partial void Step(ILogger logger, long step, long steps, double loss, double rate, double norm, double speed);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Validation after step {Step}: {Metric} {Value:F4}, best {Best:F4} after step {BestStep}.")]
    public static partial void Validated(ILogger logger, long step, string metric, double value, double best, long bestStep);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Training ended ({Reason}) after {Steps} steps in {Seconds:F1} s; weights of step {BestStep} are kept.")]
    public static partial void TrainingEnded(ILogger logger, string reason, long steps, double seconds, long bestStep);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Left out {Count} of {Reason}.")]
    public static partial void Skipped(ILogger logger, int count, string reason);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The last bits of the weights depend on: {Environment}.")]
    public static partial void Environment(ILogger logger, RunEnvironment environment);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The checkpoint was written with {There}; this process has {Here}. "
        + "The run goes on, but its last bits can differ from those of an uninterrupted one.")]
    public static partial void OtherEnvironment(ILogger logger, string there, string here);

    [LoggerMessage(Level = LogLevel.Information, Message = "Continuing after step {Step} from '{Folder}'.")]
    public static partial void Resumed(ILogger logger, long step, string folder);
}

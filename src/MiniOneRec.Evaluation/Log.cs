using Microsoft.Extensions.Logging;

namespace MiniOneRec.Evaluation;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Evaluating '{Name}' on {Examples} examples.")]
    public static partial void EvaluationStarted(ILogger logger, string name, int examples);

    [LoggerMessage(Level = LogLevel.Information, Message = "Evaluated '{Name}' on {Examples} examples; recommending took {Seconds:F2} s.")]
    public static partial void EvaluationFinished(ILogger logger, string name, int examples, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{Name}' recommended {Count} items that are not in the catalogue.")]
    public static partial void InvalidPredictions(ILogger logger, string name, long count);
}

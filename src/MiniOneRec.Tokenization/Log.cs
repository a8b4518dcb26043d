using Microsoft.Extensions.Logging;

namespace MiniOneRec.Tokenization;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Fitting {Kind} to {Count} vectors of width {Width}.")]
    public static partial void FitStarted(ILogger logger, string kind, int count, int width);

    [LoggerMessage(Level = LogLevel.Information, Message = "Resuming {Kind} after {Step} of {Total} steps from '{Folder}'.")]
    public static partial void FitResumed(ILogger logger, string kind, long step, long total, string folder);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The checkpoint of {Kind} was written with {There}; this process has {Here}. "
        + "The fit goes on, but its last bits can differ from those of an uninterrupted one.")]
    public static partial void FitInOtherEnvironment(ILogger logger, string kind, string there, string here);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Fitted {Kind} in {Steps} steps, {Seconds:F2} s; {Left:P1} of the variance is left.")]
    public static partial void FitFinished(ILogger logger, string kind, long steps, double seconds, double left);

    [LoggerMessage(Level = LogLevel.Information, Message = "Encoding the text of {Count} items.")]
    public static partial void EncodingText(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} items have no text; their vectors are alike.")]
    public static partial void ItemsWithoutText(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "{Items} items have {Distinct} semantic IDs; {Affected} items in {Groups} groups collided before resolution.")]
    public static partial void Tokenized(ILogger logger, int items, int distinct, int affected, int groups);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "Added {Count} items, {Displaced} of them displaced from the code nearest to them; the catalogue has {Total}.")]
    public static partial void ItemsAdded(ILogger logger, int count, int displaced, int total);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The quantizer should be fitted again: {Reasons}")]
    public static partial void RefitAdvised(ILogger logger, string reasons);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The encoder knows no term of {Count} items' texts; their vectors are zero.")]
    public static partial void ItemsWithoutKnownTerm(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Nothing is known about the text of {Count} added items; {LeftOut} of them were left out.")]
    public static partial void UnknownTextsAdded(ILogger logger, int count, int leftOut);

    [LoggerMessage(Level = LogLevel.Warning, Message =
        "{Count} added items found their prefix full: {Longer} got a longer code, {Elsewhere} the nearest free code of another prefix.")]
    public static partial void PrefixesFull(ILogger logger, int count, int longer, int elsewhere);

    [LoggerMessage(Level = LogLevel.Information, Message = "Fitting encoder and quantizer again, to {Count} items.")]
    public static partial void Refitting(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Cache file '{Path}' is ignored: {Problem}")]
    public static partial void CacheFileIgnored(ILogger logger, string path, string problem);
}

using Microsoft.Extensions.Logging;

namespace MiniOneRec.Modeling;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Serving a new catalogue: {Items} items, {SemanticIds} semantic IDs")]
    public static partial void CatalogueSwapped(ILogger logger, int items, int semanticIds);

    [LoggerMessage(2, LogLevel.Debug, "Answered a batch of {Requests} requests, {Failed} of them with an error, in {Milliseconds:F1} ms")]
    public static partial void BatchAnswered(ILogger logger, int requests, int failed, double milliseconds);

    [LoggerMessage(3, LogLevel.Information,
        "Serving version {Version}, loaded in {LoadMilliseconds:F0} ms and warmed up in {WarmUpMilliseconds:F0} ms; before it: {Previous}")]
    public static partial void VersionSwapped(ILogger logger, string version, double loadMilliseconds, double warmUpMilliseconds,
        string previous);

    [LoggerMessage(4, LogLevel.Information, "Version {Version} answered its last request and is disposed")]
    public static partial void VersionDisposed(ILogger logger, string version);

    [LoggerMessage(5, LogLevel.Error, "Version {Version} could not be disposed")]
    public static partial void VersionNotDisposed(ILogger logger, Exception exception, string version);

    [LoggerMessage(6, LogLevel.Warning, "Version {Version} was not taken into service; {Active} goes on serving")]
    public static partial void VersionRefused(ILogger logger, Exception exception, string version, string active);

    [LoggerMessage(7, LogLevel.Error, "A handler of the event Swapped failed for version {Version}, which serves all the same")]
    public static partial void HandlerFailed(ILogger logger, Exception exception, string version);

    [LoggerMessage(101, LogLevel.Warning,
        "The prior of '{Folder}', a {Type}, cannot be saved and is missing there: it is no ISavableScorer")]
    public static partial void PriorNotSaved(ILogger logger, string folder, string type);

    [LoggerMessage(102, LogLevel.Warning,
        "'{Folder}' was saved by a recommender with a prior of type {Type}, which could not be saved; set it again, or answers differ")]
    public static partial void PriorMissing(ILogger logger, string folder, string type);

    [LoggerMessage(20, LogLevel.Warning, "{Note}")]
    public static partial void SettingsNote(ILogger logger, string note);
}

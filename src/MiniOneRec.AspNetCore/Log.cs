using Microsoft.Extensions.Logging;

namespace MiniOneRec.AspNetCore;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Loaded model {Model} with {Items} items in {Milliseconds:F0} ms")]
    public static partial void ModelLoaded(ILogger logger, string model, int items, double milliseconds);

    [LoggerMessage(2, LogLevel.Information, "Models: {Action} {Model}; {Active} serves")]
    public static partial void ModelsChanged(ILogger logger, string action, string model, string active);

    [LoggerMessage(3, LogLevel.Error, "The request to {Route} failed")]
    public static partial void RequestFailed(ILogger logger, Exception exception, string route);

    [LoggerMessage(4, LogLevel.Warning, "The store's changes could not be read; the catalogue stays at revision {Revision}")]
    public static partial void SyncFailed(ILogger logger, Exception exception, long revision);

    [LoggerMessage(5, LogLevel.Information, "The store's changes are read again, from revision {Revision}")]
    public static partial void SyncWorks(ILogger logger, long revision);

    [LoggerMessage(6, LogLevel.Warning,
        "Model {Model} answers without {Items} items of the store, which have no semantic ID that it can write")]
    public static partial void ItemsWithoutCode(ILogger logger, string model, int items);

    [LoggerMessage(7, LogLevel.Warning, "Shadow model {Model} failed")]
    public static partial void ShadowFailed(ILogger logger, Exception exception, string model);

    [LoggerMessage(8, LogLevel.Warning, "The parts of models could not be read from the store; {Active} goes on serving")]
    public static partial void PartsNotRead(ILogger logger, Exception exception, string active);

    [LoggerMessage(9, LogLevel.Error,
        "The parts of models of revision {Revision}, by which {Chosen} serves, cannot be served here; {Active} goes on serving")]
    public static partial void PartsNotServed(ILogger logger, Exception exception, long revision, string chosen, string active);
}

using Microsoft.Extensions.Logging;

namespace MiniOneRec.Modeling;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Serving a new catalogue: {Items} items, {SemanticIds} semantic IDs")]
    public static partial void CatalogueSwapped(ILogger logger, int items, int semanticIds);

    [LoggerMessage(101, LogLevel.Warning, "The prior of '{Folder}', a {Type}, cannot be saved and is missing there: it is no ISavableScorer")]
    public static partial void PriorNotSaved(ILogger logger, string folder, string type);

    [LoggerMessage(102, LogLevel.Warning, "'{Folder}' was saved by a recommender with a prior of type {Type}, which could not be saved; set it again, or answers differ")]
    public static partial void PriorMissing(ILogger logger, string folder, string type);
}

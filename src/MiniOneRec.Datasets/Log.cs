using Microsoft.Extensions.Logging;

namespace MiniOneRec.Datasets;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information,
        Message = "Loaded '{Name}': {Items} items, {Train} training, {Validation} validation and {Test} test rows.")]
    public static partial void Loaded(ILogger logger, string name, int items, int train, int validation, int test);

    [LoggerMessage(Level = LogLevel.Information, Message = "Loaded '{Name}': {Items} items, {Users} users.")]
    public static partial void LoadedSequences(ILogger logger, string name, int items, int users);

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{Name}': skipped {Count} interactions with items that are not in the catalogue.")]
    public static partial void SkippedItems(ILogger logger, string name, long count);
}

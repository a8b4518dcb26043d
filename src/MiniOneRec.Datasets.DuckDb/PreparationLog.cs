using Microsoft.Extensions.Logging;

namespace MiniOneRec.Datasets.DuckDb;

internal static partial class PreparationLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "{Text}")]
    public static partial void Guessed(ILogger logger, string text);

    [LoggerMessage(Level = LogLevel.Information, Message = "Step '{Step}': {Before} interactions before, {After} after.")]
    public static partial void Step(ILogger logger, string step, long before, long after);

    [LoggerMessage(Level = LogLevel.Information, Message = "Prepared '{Name}': {Users} users, {Items} items, {Interactions} interactions.")]
    public static partial void Prepared(ILogger logger, string name, long users, long items, long interactions);
}

using Microsoft.Extensions.Logging;

namespace MiniOneRec;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "Configuration: {OldName}")]
    public static partial void OldOptionName(ILogger logger, string oldName);
}

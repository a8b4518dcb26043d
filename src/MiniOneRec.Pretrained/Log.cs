using Microsoft.Extensions.Logging;

namespace MiniOneRec.Pretrained;

internal static partial class Log
{
    [LoggerMessage(20, LogLevel.Warning, "{Note}")]
    public static partial void SettingsNote(ILogger logger, string note);

    [LoggerMessage(21, LogLevel.Warning, "The tokenizer '{Path}' has keys that this version does not know and ignores: {Keys}")]
    public static partial void UnknownTokenizerKeys(ILogger logger, string path, string keys);
}

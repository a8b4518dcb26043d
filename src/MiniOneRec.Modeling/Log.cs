using Microsoft.Extensions.Logging;

namespace MiniOneRec.Modeling;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Serving a new catalogue: {Items} items, {SemanticIds} semantic IDs")]
    public static partial void CatalogueSwapped(ILogger logger, int items, int semanticIds);

    [LoggerMessage(20, LogLevel.Warning, "The tokenizer '{Path}' has keys that this version does not know and ignores: {Keys}")]
    public static partial void UnknownTokenizerKeys(ILogger logger, string path, string keys);
}

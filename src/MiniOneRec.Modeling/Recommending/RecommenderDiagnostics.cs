namespace MiniOneRec.Modeling;

/// <summary>The names of the metrics and activities that recommenders publish while they serve; the page <c>docs/diagnostics.md</c>
/// explains them.</summary>
/// <remarks>Every measurement has the tag <c>recommender</c>, the recommender's name.</remarks>
public static class RecommenderDiagnostics
{
    /// <summary>The meter.</summary>
    public const string MeterName = "MiniOneRec.Modeling";

    /// <summary>The source of the activities <c>MiniOneRec.Recommend</c> (a call), <c>MiniOneRec.Queue</c> (a request's wait, below its
    /// call), <c>MiniOneRec.RecommendBatch</c> (a batch, linked to its calls) and <c>MiniOneRec.Search</c> (below its batch).</summary>
    public const string ActivitySourceName = "MiniOneRec.Modeling";

    /// <summary>Counts requests that ended; tag <c>outcome</c>: answered, fallback, invalid, cancelled, late, rejected or failed.</summary>
    public const string Requests = "minionerec.serving.requests";

    /// <summary>Follows how many requests wait.</summary>
    public const string QueueLength = "minionerec.serving.queue.length";

    /// <summary>Distributes how many requests were searched together.</summary>
    public const string BatchSize = "minionerec.serving.batch.size";

    /// <summary>
    /// Distributes seconds by the tag <c>stage</c>: <c>prepare</c> and <c>queued</c> per request, <c>prior</c>, <c>search</c> and
    /// <c>rank</c> per batch, <c>total</c> per call, <c>load</c> and <c>warmup</c> per version of a host.
    /// </summary>
    public const string Duration = "minionerec.serving.duration";

    /// <summary>Distributes how many semantic IDs the search found for a request.</summary>
    public const string Beams = "minionerec.serving.beams";

    /// <summary>Counts unknown items in histories.</summary>
    public const string SkippedHistoryItems = "minionerec.serving.history.skipped";

    /// <summary>Counts items that were asked for and that the constraints did not leave.</summary>
    public const string Shortfall = "minionerec.serving.shortfall";

    /// <summary>Counts changes while serving; tag <c>kind</c>: catalogue or model.</summary>
    public const string Swaps = "minionerec.serving.swaps";
}

using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace MiniOneRec.Modeling;

/// <summary>The meter and the source of activities of one recommender; both end with it, except a meter that belongs to a container's factory.</summary>
internal sealed class RecommenderTelemetry : IDisposable
{
    private readonly Meter? _own;
    private readonly ActivitySource _source = new(RecommenderDiagnostics.ActivitySourceName);
    private readonly Counter<long> _requests;
    private readonly UpDownCounter<long> _queueLength;
    private readonly Histogram<int> _batchSize;
    private readonly Histogram<double> _duration;
    private readonly Histogram<int> _beams;
    private readonly Counter<long> _skipped;
    private readonly Counter<long> _shortfall;
    private readonly Counter<long> _swaps;

    /// <summary>Makes the instruments.</summary>
    /// <param name="meters">The container's factory, which then owns the meter, or <see langword="null"/> for a meter of its own.</param>
    public RecommenderTelemetry(IMeterFactory? meters)
    {
        var meter = meters?.Create(RecommenderDiagnostics.MeterName) ?? (_own = new Meter(RecommenderDiagnostics.MeterName));
        _requests = meter.CreateCounter<long>(RecommenderDiagnostics.Requests, "{request}", "Requests that ended, by outcome");
        _queueLength = meter.CreateUpDownCounter<long>(RecommenderDiagnostics.QueueLength, "{request}", "Requests that wait");
        _batchSize = meter.CreateHistogram<int>(RecommenderDiagnostics.BatchSize, "{request}", "Requests that were searched together");
        _duration = meter.CreateHistogram<double>(RecommenderDiagnostics.Duration, "s", "Time by stage");
        _beams = meter.CreateHistogram<int>(RecommenderDiagnostics.Beams, "{beam}", "Semantic IDs that the search found for a request");
        _skipped = meter.CreateCounter<long>(RecommenderDiagnostics.SkippedHistoryItems, "{item}", "Unknown items in histories");
        _shortfall = meter.CreateCounter<long>(RecommenderDiagnostics.Shortfall, "{item}", "Items that were asked for and that the constraints did not leave");
        _swaps = meter.CreateCounter<long>(RecommenderDiagnostics.Swaps, "{swap}", "Changes of the catalogue or the model while serving");
    }

    /// <summary>Gets or sets the name of the recommender, a tag of every measurement.</summary>
    public string Name { get; set; } = "";

    public Activity? StartCall(int requests)
    {
        var activity = _source.StartActivity("MiniOneRec.Recommend");
        activity?.SetTag("minionerec.recommender", Name).SetTag("minionerec.requests", requests);
        return activity;
    }

    /// <summary>Starts the activity of a batch, linked to the activities of its requests.</summary>
    public Activity? StartBatch(IReadOnlyList<PendingRequest> batch)
    {
        if (!_source.HasListeners())
        {
            return null;
        }

        var links = batch.Where(pending => pending.Parent != default).Select(pending => pending.Parent).Distinct().Select(parent => new ActivityLink(parent));
        var activity = _source.StartActivity("MiniOneRec.RecommendBatch", ActivityKind.Internal, parentContext: default, links: [.. links]);
        activity?.SetTag("minionerec.recommender", Name).SetTag("minionerec.batch.size", batch.Count);
        return activity;
    }

    /// <summary>Counts requests that ended.</summary>
    /// <param name="outcome">How.</param>
    /// <param name="count">How many.</param>
    public void Ended(string outcome, long count = 1)
    {
        if (count > 0)
        {
            _requests.Add(count, Recommender(), new KeyValuePair<string, object?>("outcome", outcome));
        }
    }

    /// <summary>Gets the outcome that an exception stands for.</summary>
    public static string OutcomeOf(Exception error) => error switch
    {
        TimeoutException => "late",
        RecommendationQueueFullException => "rejected",
        OperationCanceledException or ObjectDisposedException => "cancelled",
        ArgumentException => "invalid",
        _ => "failed",
    };

    public void Queued(int change) => _queueLength.Add(change, Recommender());

    /// <summary>Records how long a stage took.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="start">When it began.</param>
    public void Stage(string stage, long start)
    {
        if (_duration.Enabled)
        {
            _duration.Record(Stopwatch.GetElapsedTime(start).TotalSeconds, Recommender(), new KeyValuePair<string, object?>("stage", stage));
        }
    }

    public void Beams(int count) => _beams.Record(count, Recommender());

    public void Batch(BatchOutcome[] outcomes)
    {
        _batchSize.Record(outcomes.Length, Recommender());
        if (_skipped.Enabled)
        {
            _skipped.Add(outcomes.Sum(outcome => (long)(outcome.Result?.SkippedHistoryItems ?? 0)), Recommender());
        }

        if (_shortfall.Enabled)
        {
            _shortfall.Add(outcomes.Sum(outcome => (long)(outcome.Result?.Shortfall ?? 0)), Recommender());
        }
    }

    /// <summary>Counts a swap.</summary>
    /// <param name="kind"><c>catalogue</c> or <c>model</c>.</param>
    public void Swapped(string kind) => _swaps.Add(1, Recommender(), new KeyValuePair<string, object?>("kind", kind));

    public void Dispose()
    {
        _own?.Dispose();
        _source.Dispose();
    }

    private KeyValuePair<string, object?> Recommender() => new("recommender", Name);
}

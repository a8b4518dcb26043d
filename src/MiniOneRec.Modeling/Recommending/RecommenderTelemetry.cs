using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace MiniOneRec.Modeling;

/// <summary>The meter and the source of activities of one recommender; both end with it, except a meter that belongs to a container's
/// factory.</summary>
/// <remarks>Listeners are the application's code. One that throws fails no request and does not end the queue's thread.</remarks>
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
        _shortfall = meter.CreateCounter<long>(RecommenderDiagnostics.Shortfall, "{item}",
            "Items that were asked for and that the constraints did not leave");
        _swaps = meter.CreateCounter<long>(RecommenderDiagnostics.Swaps, "{swap}", "Changes of the catalogue or the model while serving");
    }

    /// <summary>Gets or sets the name of the recommender, a tag of every measurement.</summary>
    public string Name { get; set; } = "";

    /// <summary>Starts the activity of a call.</summary>
    public Activity? StartCall(int requests) => Start(
        static state => state.Source.StartActivity("MiniOneRec.Recommend")?.SetTag("minionerec.recommender", state.Name)
        .SetTag("minionerec.requests", state.Requests),
        (Source: _source, Name, Requests: requests));

    /// <summary>Starts the activity of a batch, linked to the activities of its requests.</summary>
    public Activity? StartBatch(IReadOnlyList<PendingRequest> batch) => Start(
        static state =>
        state.Source.StartActivity("MiniOneRec.RecommendBatch", ActivityKind.Internal, parentContext: default, links: Links(state.Batch))
            ?.SetTag("minionerec.recommender", state.Name).SetTag("minionerec.batch.size", state.Batch.Count),
        (Source: _source, Name, Batch: batch));

    /// <summary>Records how long the requests of a batch waited, each below its call.</summary>
    /// <param name="batch">The requests, which wait no longer.</param>
    public void Waited(IReadOnlyList<PendingRequest> batch)
    {
        foreach (var pending in batch.Where(pending => pending.Parent != default))
        {
            var waited = Stopwatch.GetElapsedTime(pending.Enqueued);
            End(Start(
                static state => state.Source.StartActivity("MiniOneRec.Queue", ActivityKind.Internal, state.Parent) is { } queue
                    ? queue.SetStartTime(queue.StartTimeUtc - state.Waited).SetTag("minionerec.recommender", state.Name) : null,
                (Source: _source, Name, pending.Parent, Waited: waited)));
        }
    }

    /// <summary>Starts the activity of a search, below its batch.</summary>
    /// <param name="requests">How many requests are searched together.</param>
    /// <param name="width">The beams of each.</param>
    /// <param name="resumes">Whether kept prompts are continued.</param>
    public Activity? StartSearch(int requests, int width, bool resumes) => Start(
        static state => state.Source.StartActivity("MiniOneRec.Search")?.SetTag("minionerec.recommender", state.Name)
            .SetTag("minionerec.requests", state.Requests).SetTag("minionerec.beams", state.Width)
            .SetTag("minionerec.resumed", state.Resumes),
        (Source: _source, Name, Requests: requests, Width: width, Resumes: resumes));

    /// <summary>Ends an activity.</summary>
    public static void End(Activity? activity)
    {
        if (activity is not null && !Guarded(static ended => { ended.Dispose(); return true; }, activity))
        {
            Activity.Current = activity.Parent;
        }
    }

    /// <summary>Counts requests that ended.</summary>
    /// <param name="outcome">How.</param>
    /// <param name="count">How many.</param>
    public void Ended(string outcome, long count = 1)
    {
        if (count > 0)
        {
            Add(_requests, count, new KeyValuePair<string, object?>("outcome", outcome));
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

    public void Queued(int change) => Guarded(
        static state => { state.Telemetry._queueLength.Add(state.Change, state.Telemetry.Recommender()); return true; },
        (Telemetry: this, Change: change));

    /// <summary>Records how long a stage took.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="start">When it began.</param>
    public void Stage(string stage, long start)
    {
        if (_duration.Enabled)
        {
            Record(_duration, Stopwatch.GetElapsedTime(start).TotalSeconds, new KeyValuePair<string, object?>("stage", stage));
        }
    }

    public void Beams(int count) => Record(_beams, count);

    public void Batch(BatchOutcome[] outcomes)
    {
        Record(_batchSize, outcomes.Length);
        if (_skipped.Enabled)
        {
            Add(_skipped, outcomes.Sum(outcome => (long)(outcome.Result?.SkippedHistoryItems ?? 0)));
        }

        if (_shortfall.Enabled)
        {
            Add(_shortfall, outcomes.Sum(outcome => (long)(outcome.Result?.Shortfall ?? 0)));
        }
    }

    /// <summary>Counts a swap.</summary>
    /// <param name="kind"><c>catalogue</c> or <c>model</c>.</param>
    public void Swapped(string kind) => Add(_swaps, 1, new KeyValuePair<string, object?>("kind", kind));

    public void Dispose()
    {
        _own?.Dispose();
        _source.Dispose();
    }

    private static IEnumerable<ActivityLink> Links(IReadOnlyList<PendingRequest> batch) =>
        batch.Where(pending => pending.Parent != default).Select(pending => pending.Parent).Distinct()
            .Select(parent => new ActivityLink(parent));

    private Activity? Start<TState>(Func<TState, Activity?> start, TState state)
    {
        if (!_source.HasListeners())
        {
            return null;
        }

        var before = Activity.Current;
        var started = Guarded(start, state);
        if (started is null)
        {
            Activity.Current = before;                              // a listener threw after the activity had become the current one
        }

        return started;
    }

    private static TResult? Guarded<TState, TResult>(Func<TState, TResult> tell, TState state)
    {
        try
        {
            return tell(state);
        }
#pragma warning disable CA1031 // What a listener throws is no fault of the request, and nothing above the queue's thread would catch it.
        catch (Exception)
#pragma warning restore CA1031
        {
            return default;
        }
    }

    private void Add(Counter<long> counter, long value, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (counter.Enabled)
        {
            Guarded(static state => { state.Counter.Add(state.Value, state.Tags); return true; },
                (Counter: counter, Value: value, Tags: Tags(tags)));
        }
    }

    private void Record<T>(Histogram<T> histogram, T value, params ReadOnlySpan<KeyValuePair<string, object?>> tags)
        where T : struct
    {
        if (histogram.Enabled)
        {
            Guarded(static state => { state.Histogram.Record(state.Value, state.Tags); return true; },
                (Histogram: histogram, Value: value, Tags: Tags(tags)));
        }
    }

    private KeyValuePair<string, object?>[] Tags(ReadOnlySpan<KeyValuePair<string, object?>> more) => [Recommender(), .. more];

    private KeyValuePair<string, object?> Recommender() => new("recommender", Name);
}

using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Modeling;

/// <summary>The way of a request: check, preparation on the caller's side, queue, batch, answer.</summary>
/// <remarks>
/// The application's filters run outside the queue's thread, so that one that is slow or stuck holds up its own request alone. Its prior
/// runs on that thread, once per batch. Neither may call the recommender back.
/// </remarks>
internal sealed class ServingPipeline : IDisposable
{
    /// <summary>What <see cref="UserCode"/> calls a fallback, which may ask its recommender back.</summary>
    public const string FallbackKind = "fallback";

    private readonly object _owner;
    private readonly RequestQueue _queue;
    private readonly BatchSearch _search;
    private readonly CallGate _calls = new(typeof(GenerativeRecommender));
    private readonly CallGate _direct = new(typeof(GenerativeRecommender));
    private readonly CancellationTokenSource _closed = new();

    /// <summary>Makes the pipeline of a recommender.</summary>
    /// <param name="owner">The recommender.</param>
    /// <param name="model">The model; stays the recommender's.</param>
    /// <param name="options">The options; not changed afterwards.</param>
    /// <param name="logger">Receives one message per batch.</param>
    /// <param name="meters">The container's factory, or <see langword="null"/>.</param>
    public ServingPipeline(object owner, SemanticIdModel model, RecommenderOptions options, ILogger logger, IMeterFactory? meters)
    {
        (_owner, Model, Settings) = (owner, model, new LiveSettings(options));
        Telemetry = new RecommenderTelemetry(meters);
        _search = new BatchSearch(model.Backbone, model.Template, owner, Telemetry, logger, Reuse);
        _queue = new RequestQueue(options, Telemetry, (batch, stop) => _search.Complete(batch, Settings.Current, stop));
    }

    public RecommenderTelemetry Telemetry { get; }

    /// <summary>Gets what is kept of users' last prompts.</summary>
    public PromptReuse Reuse { get; } = new();

    /// <summary>Gets or sets the model, with the version of the catalogue that new requests are prepared with; its backbone and template
    /// stay.</summary>
    public SemanticIdModel Model
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>Gets what may be changed while requests are served.</summary>
    public LiveSettings Settings { get; }

    public IRecommender? Fallback
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>Answers requests through the queue.</summary>
    /// <param name="requests">The requests.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<IReadOnlyList<RecommendationResult>> AnswerAsync(IReadOnlyList<RecommendationRequest> requests,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requests);
        UserCode.Refuse(_owner, nameof(GenerativeRecommender.RecommendAsync), allowed: FallbackKind);
        _calls.Enter();
        var activity = Telemetry.StartCall(requests.Count);
        long start = Stopwatch.GetTimestamp();
        var call = new ServingCall(requests.Count);
        try
        {
            await StartAsync(call, requests, cancellationToken).ConfigureAwait(false);
            var results = await Task.WhenAll(call.Answers!).ConfigureAwait(false);
            Telemetry.Stage("total", start);
            return results;
        }
        catch (Exception e)
        {
            activity?.SetStatus(ActivityStatusCode.Error, e.GetType().Name);
            throw;
        }
        finally
        {
            call.Count(Telemetry);
            RecommenderTelemetry.End(activity);
            _calls.Exit();
        }
    }

    /// <summary>Answers requests on the calling thread, without the queue.</summary>
    /// <param name="requests">The requests.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    public IReadOnlyList<RecommendationResult> Answer(IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken)
    {
        using var inside = Direct();
        return new DirectRecommender(Model, Settings.Current, _owner, _search).Recommend(requests, cancellationToken);
    }

    /// <summary>Makes what answers on the calling thread with the present catalogue; it does not count as serving, so it adds nothing to
    /// the metrics.</summary>
    /// <param name="settings">Options and prior; not changed afterwards.</param>
    public DirectRecommender Snapshot(ServingSettings settings)
    {
        var model = Model;
        var search = new BatchSearch(model.Backbone, model.Template, _owner, telemetry: null, NullLogger.Instance);
        return new DirectRecommender(model, settings, _owner, search) { Name = Telemetry.Name };
    }

    /// <summary>Counts work on the calling thread that reads the model, so that disposal waits for it.</summary>
    /// <exception cref="ObjectDisposedException">The recommender is disposed.</exception>
    public DirectCall Direct()
    {
        _direct.Enter();
        return new DirectCall(_direct);
    }

    /// <summary>Ends the pipeline: requests in flight are answered or fail, by option; then nothing uses the model any more.</summary>
    public void Dispose()
    {
        UserCode.Refuse(_owner, nameof(Dispose));
        if (!_calls.Close())
        {
            return;
        }

        if (Settings.Options.PendingOnDispose == PendingRequests.Answer)
        {
            _calls.WaitForLast();
        }

        _closed.Cancel();
        _queue.Dispose();
        _direct.Close();
        _direct.WaitForLast();
        Reuse.Dispose();
        Telemetry.Dispose();
    }

    private async Task StartAsync(ServingCall call, IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (catalogue, options, fallback) = (Model.Catalogue, Settings.Options, UserCode.KindInside(_owner) is null ? Fallback : null);
            var all = RequestBounds.Checked(requests, catalogue, options);
            long?[] due = [.. all.Select(request => RequestDeadline.Of(request, options.TimeoutMilliseconds))];
            if (due.Any(time => time <= Stopwatch.GetTimestamp()))
            {
                throw RequestDeadline.Late();
            }

            var answers = new Task<RecommendationResult>[all.Length];
            int[] forModel = [.. Enumerable.Range(0, all.Length)
                .Where(i => fallback is null || all[i].History.Any(item => catalogue.Index.TryGetRow(item, out _)))];
            if (forModel.Length > 0 && Model.Backbone.Lease.Refuses)
            {
                throw WeightLease.Refusal();
            }

            _queue.CheckRoom(forModel.Length);
            int window = Math.Max(options.BatchSize, options.QueueCapacity);
            for (int start = 0; start < forModel.Length; start += options.BatchSize)
            {
                if (start >= window)
                {
                    // a long list takes its turn with other callers
                    await Task.WhenAny(answers[forModel[start - window]]).ConfigureAwait(false);
                }

                int[] chunk = [.. forModel.AsSpan(start, Math.Min(options.BatchSize, forModel.Length - start))];
                var prepared = await PrepareAsync([.. chunk.Select(i => all[i])], catalogue, options, chunk.Min(i => due[i]),
                    cancellationToken).ConfigureAwait(false);
                var pending = chunk.Zip(prepared, (i, request) => new PendingRequest(request, due[i])).ToArray();
                _queue.Enqueue(pending, cancellationToken);
                call.Pending.AddRange(pending);
                foreach (var (i, request) in chunk.Zip(pending))
                {
                    answers[i] = request.Answer;
                }
            }

            int[] others = [.. Enumerable.Range(0, all.Length).Except(forModel)];
            if (others.Length > 0)
            {
                call.ByFallback = others.Length;
                var asked = WithinAsync(
                    AskFallbackAsync(fallback!, [.. others.Select(i => all[i])], cancellationToken), others.Min(i => due[i]),
                    cancellationToken);
                for (int m = 0; m < others.Length; m++)
                {
                    answers[others[m]] = PickAsync(asked, m);
                }
            }

            call.Answers = answers;
        }
        catch (Exception e)
        {
            call.Refused = RecommenderTelemetry.OutcomeOf(e);
            foreach (var pending in call.Pending)
            {
                pending.Withdraw(_queue);
            }

            throw;
        }

        static async Task<RecommendationResult> PickAsync(Task<IReadOnlyList<RecommendationResult>> all, int place) =>
            (await all.ConfigureAwait(false))[place];
    }

    private async ValueTask<PreparedRequest[]> PrepareAsync(
        RecommendationRequest[] requests, Catalogue catalogue, RecommenderOptions options, long? due, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        var prepared = Array.TrueForAll(requests, request => request.CandidateFilter is null)
            ? Prepare()
            : await WithinAsync(Task.Run(Prepare, cancellationToken), due, cancellationToken).ConfigureAwait(false);
        Telemetry.Stage("prepare", start);
        return prepared;

        PreparedRequest[] Prepare() =>
            Array.ConvertAll(requests, request => PreparedRequest.Of(request, catalogue, Model.Template, options, _owner, Continue));

        void Continue()
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_closed.IsCancellationRequested)
            {
                throw RequestQueue.Disposed();
            }

            if (due <= Stopwatch.GetTimestamp())
            {
                throw RequestDeadline.Late();
            }
        }
    }

    /// <summary>Waits for the application's code no longer than the request may; the code itself cannot be stopped and is left to
    /// end.</summary>
    private async Task<T> WithinAsync<T>(Task<T> work, long? due, CancellationToken cancellationToken)
    {
        if (work.IsCompleted)
        {
            return await work.ConfigureAwait(false);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closed.Token);
        if (due is { } time)
        {
            limit.CancelAfter(RequestDeadline.Left(time));
        }

        try
        {
            return await work.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !work.IsCompleted)
        {
            _ = work.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
                TaskScheduler.Default);
            cancellationToken.ThrowIfCancellationRequested();
            throw _closed.IsCancellationRequested ? RequestQueue.Disposed() : RequestDeadline.Late();
        }
    }

    private async Task<IReadOnlyList<RecommendationResult>> AskFallbackAsync(
        IRecommender fallback, RecommendationRequest[] requests, CancellationToken cancellationToken)
    {
        using var inside = UserCode.Enter(_owner, FallbackKind);
        var results = await fallback.RecommendAsync(requests, cancellationToken).ConfigureAwait(false);
        return results is not null && results.Count == requests.Length
            ? results
            : throw new InvalidOperationException(
                $"The fallback '{fallback.Name}' gave {results?.Count ?? 0} results for {requests.Length} requests.");
    }

    /// <summary>Work that reads the model on a caller's thread.</summary>
    /// <param name="gate">Counts it.</param>
    internal readonly struct DirectCall(CallGate gate) : IDisposable
    {
        public void Dispose() => gate.Exit();
    }
}

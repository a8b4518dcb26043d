using System.Collections.Concurrent;

namespace MiniOneRec.Modeling;

/// <summary>Gathers the requests of concurrent callers into batches and runs them on one thread.</summary>
/// <remarks>First come, first served. The queue is bounded: callers beyond its capacity wait. A cancelled request leaves without holding up others.</remarks>
internal sealed class RequestQueue : IDisposable
{
    private readonly RecommenderOptions _options;
    private readonly Func<IReadOnlyList<RecommendationRequest>, CancellationToken, IReadOnlyList<RecommendationResult>> _answer;
    private readonly BlockingCollection<Pending> _pending = new(new ConcurrentQueue<Pending>());
    private readonly SemaphoreSlim _room;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private Thread? _worker;

    public RequestQueue(
        RecommenderOptions options, Func<IReadOnlyList<RecommendationRequest>, CancellationToken, IReadOnlyList<RecommendationResult>> answer)
    {
        (_options, _answer) = (options, answer);
        _room = new SemaphoreSlim(options.QueueCapacity);
    }

    /// <summary>Waits for room, then returns the answer to come.</summary>
    public async Task<Task<RecommendationResult>> EnqueueAsync(RecommendationRequest request, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, typeof(GenerativeRecommender));
        await _room.WaitAsync(cancellationToken).ConfigureAwait(false);
        var pending = new Pending(request, cancellationToken);
        try
        {
            _pending.Add(pending, CancellationToken.None);
        }
        catch (InvalidOperationException)
        {
            throw new ObjectDisposedException(nameof(GenerativeRecommender));
        }

        StartWorker();
        return pending.Answer;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            _stop.Cancel();
            _pending.CompleteAdding();
        }

        _worker?.Join();
        while (_pending.TryTake(out var left))
        {
            left.Fail(new ObjectDisposedException(nameof(GenerativeRecommender)));
        }

        _pending.Dispose();
        _room.Dispose();
        _stop.Dispose();
    }

    private void StartWorker()
    {
        lock (_gate)
        {
            if (_worker is null && !_stop.IsCancellationRequested)
            {
                _worker = new Thread(Work, maxStackSize: 16 << 20) { IsBackground = true, Name = "MiniOneRec recommender" };
                _worker.Start();
            }
        }
    }

    private void Work()
    {
        var batch = new List<Pending>(_options.BatchSize);
        foreach (var first in _pending.GetConsumingEnumerable())
        {
            batch.Clear();
            batch.Add(first);
            while (batch.Count < _options.BatchSize && _pending.TryTake(out var next, _options.MaxWaitMilliseconds))
            {
                batch.Add(next);
            }

            _room.Release(batch.Count);
            batch.RemoveAll(pending => pending.IsCancelled);
            Answer(batch);
            if (_stop.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private void Answer(List<Pending> batch)
    {
        if (batch.Count == 0)
        {
            return;
        }

        try
        {
            var results = _answer([.. batch.Select(pending => pending.Request)], _stop.Token);
            for (int i = 0; i < batch.Count; i++)
            {
                batch[i].Succeed(results[i]);
            }
        }
#pragma warning disable CA1031 // Every caller must get an answer; the exception is handed to the one whose request caused it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (batch.Count == 1)
            {
                batch[0].Fail(_stop.IsCancellationRequested ? new ObjectDisposedException(nameof(GenerativeRecommender)) : e);
                return;
            }

            foreach (var pending in batch)
            {
                Answer([pending]);
            }
        }
    }

    private sealed class Pending
    {
        private readonly TaskCompletionSource<RecommendationResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly CancellationTokenRegistration _registration;

        public Pending(RecommendationRequest request, CancellationToken cancellationToken)
        {
            Request = request;
            _registration = cancellationToken.Register(() => _completion.TrySetCanceled(cancellationToken));
        }

        public RecommendationRequest Request { get; }

        public Task<RecommendationResult> Answer => _completion.Task;

        public bool IsCancelled => _completion.Task.IsCanceled;

        public void Succeed(RecommendationResult result)
        {
            _completion.TrySetResult(result);
            _registration.Dispose();
        }

        public void Fail(Exception exception)
        {
            _completion.TrySetException(exception);
            _registration.Dispose();
        }
    }
}

using System.Diagnostics;

namespace MiniOneRec.Modeling;

/// <summary>Gathers the requests of concurrent callers into batches and runs them on one thread, first come, first served.</summary>
/// <remarks>A request that is cancelled or late leaves without holding up others. Disposal completes every request that waits.</remarks>
/// <param name="options">Batch size, longest wait, capacity.</param>
/// <param name="telemetry">Follows the queue's length.</param>
/// <param name="run">Completes every request of a batch; does not throw.</param>
internal sealed class RequestQueue(
    RecommenderOptions options, RecommenderTelemetry telemetry, Action<IReadOnlyList<PendingRequest>, CancellationToken> run) : IDisposable
{
    private readonly object _gate = new();
    private readonly LinkedList<PendingRequest> _waiting = [];
    private readonly CancellationTokenSource _stop = new();
    private Thread? _worker;
    private bool _idle;
    private bool _stopped;

    /// <summary>Throws where requests could not be taken now: fail fast, before they are prepared.</summary>
    /// <param name="requests">How many requests.</param>
    /// <exception cref="RecommendationQueueFullException">There is no room, and the options refuse to wait for it.</exception>
    public void CheckRoom(int requests)
    {
        lock (_gate)
        {
            CheckRoomLocked(requests);
        }
    }

    /// <summary>Takes requests into the queue, all or none.</summary>
    /// <param name="requests">The requests, prepared.</param>
    /// <param name="cancellationToken">Removes them while they wait.</param>
    /// <exception cref="ObjectDisposedException">The recommender is disposed.</exception>
    /// <exception cref="RecommendationQueueFullException">There is no room, and the options refuse to wait for it.</exception>
    public void Enqueue(IReadOnlyList<PendingRequest> requests, CancellationToken cancellationToken)
    {
        telemetry.Queued(requests.Count);                           // before the worker can count them out, and outside the lock
        try
        {
            Append(requests);
        }
        catch
        {
            telemetry.Queued(-requests.Count);
            throw;
        }

        foreach (var request in requests)
        {
            request.Watch(this, cancellationToken);
        }
    }

    /// <summary>Removes a request that does not want its answer any more.</summary>
    /// <param name="request">The request; it may have left already.</param>
    public void Remove(PendingRequest request)
    {
        lock (_gate)
        {
            if (request.Place is not { } place)
            {
                return;
            }

            _waiting.Remove(place);
            request.Place = null;
        }

        telemetry.Queued(-1);
    }

    /// <summary>Stops the worker after the batch that it runs, and fails the requests that wait.</summary>
    public void Dispose()
    {
        PendingRequest[] left;
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }

            _stopped = true;
            left = [.. _waiting];
            foreach (var request in left)
            {
                request.Place = null;
            }

            _waiting.Clear();
            Monitor.PulseAll(_gate);
        }

        telemetry.Queued(-left.Length);
        foreach (var request in left)
        {
            request.Fail(Disposed());
        }

        _stop.Cancel();
        _worker?.Join();
        _stop.Dispose();
    }

    /// <summary>Makes the exception for requests that the recommender's end overtakes.</summary>
    public static ObjectDisposedException Disposed() =>
        new(nameof(GenerativeRecommender), "The recommender was disposed before the request was answered.");

    private void Append(IReadOnlyList<PendingRequest> requests)
    {
        lock (_gate)
        {
            if (_stopped)
            {
                throw Disposed();
            }

            CheckRoomLocked(requests.Count);
            long now = Stopwatch.GetTimestamp();
            foreach (var request in requests)
            {
                request.Enqueued = now;
                request.Place = _waiting.AddLast(request);
            }

            if (_worker is null)
            {
                // Unsafe: the thread outlives the call and must not keep the call's context (activity, culture, request of a web server).
                _worker = new Thread(Work, maxStackSize: 16 << 20) { IsBackground = true, Name = "MiniOneRec recommender" };
                _worker.UnsafeStart();
            }
            else if (_idle || _waiting.Count >= options.BatchSize)
            {
                Monitor.Pulse(_gate);
            }
        }
    }

    private void CheckRoomLocked(int requests)
    {
        if (options.QueueFullMode == QueueFullMode.Reject && _waiting.Count + requests > options.QueueCapacity)
        {
            throw new RecommendationQueueFullException(_waiting.Count, requests, options.QueueCapacity);
        }
    }

    private void Work()
    {
        while (Take() is { } batch)
        {
            telemetry.Queued(-batch.Count);
            run(batch, _stop.Token);
        }
    }

    /// <summary>Waits for requests, gathers more of them, and takes a batch; <see langword="null"/> at the end.</summary>
    private List<PendingRequest>? Take()
    {
        lock (_gate)
        {
            while (!_stopped)
            {
                if (_waiting.Count == 0)
                {
                    _idle = true;
                    Monitor.Wait(_gate);
                    _idle = false;
                    continue;
                }

                Gather();
                if (_waiting.Count > 0 && !_stopped)
                {
                    var batch = new List<PendingRequest>(Math.Min(options.BatchSize, _waiting.Count));
                    while (batch.Count < options.BatchSize && _waiting.First is { } first)
                    {
                        _waiting.RemoveFirst();
                        first.Value.Place = null;
                        batch.Add(first.Value);
                    }

                    return batch;
                }
            }

            return null;
        }
    }

    /// <summary>Waits while callers keep coming: until the batch is full, the first request has waited long enough, or no caller came for a
    /// while.</summary>
    private void Gather()
    {
        long opened = Stopwatch.GetTimestamp();
        int quiet = Math.Max(1, options.MaxWaitMilliseconds / 10), seen = 0;
        while (_waiting.Count is > 0 and var count && count != seen && count < options.BatchSize && !_stopped)
        {
            double left = options.MaxWaitMilliseconds - Stopwatch.GetElapsedTime(opened).TotalMilliseconds;
            if (left <= 0)
            {
                return;
            }

            seen = count;
            Monitor.Wait(_gate, (int)Math.Min(quiet, Math.Ceiling(left)));
        }
    }
}

using System.Diagnostics;

namespace MiniOneRec.Modeling;

/// <summary>A prepared request that waits for its answer, its cancellation, its deadline or the recommender's end, whichever comes
/// first.</summary>
/// <param name="prepared">The request.</param>
/// <param name="due">When it is late, as a timestamp, or <see langword="null"/>.</param>
internal sealed class PendingRequest(PreparedRequest prepared, long? due) : IDisposable
{
    private readonly TaskCompletionSource<RecommendationResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration _registration;
    private Timer? _timer;

    public PreparedRequest Prepared => prepared;

    public Task<RecommendationResult> Answer => _completion.Task;

    /// <summary>Gets the activity of the call, or the default for none.</summary>
    public ActivityContext Parent { get; } = Activity.Current?.Context ?? default;

    /// <summary>Gets or sets when the request began to wait.</summary>
    public long Enqueued { get; set; }

    /// <summary>Gets or sets its place in the queue; <see langword="null"/> once it does not wait any more.</summary>
    public LinkedListNode<PendingRequest>? Place { get; set; }

    /// <summary>Gets whether its deadline has passed.</summary>
    public bool IsLate => due is { } time && Stopwatch.GetTimestamp() >= time;

    /// <summary>Makes cancellation and deadline take effect while the request waits.</summary>
    /// <param name="queue">The queue that the request then leaves.</param>
    /// <param name="cancellationToken">The caller's token.</param>
    public void Watch(RequestQueue queue, CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(
                _ =>
                {
                    _completion.TrySetCanceled(cancellationToken);
                    queue.Remove(this);
                },
                null);
        }

        if (due is { } time)
        {
            var left = RequestDeadline.Left(time);
            _timer = new Timer(
                _ =>
                {
                    Fail(RequestDeadline.Late());
                    queue.Remove(this);
                },
                null, left, Timeout.InfiniteTimeSpan);
        }

        if (_completion.Task.IsCompleted)
        {
            Dispose();
        }
    }

    public void Succeed(RecommendationResult result)
    {
        _completion.TrySetResult(result);
        Dispose();
    }

    public void Fail(Exception exception)
    {
        _completion.TrySetException(exception);
        Dispose();
    }

    /// <summary>Leaves the queue, because its call failed elsewhere.</summary>
    /// <param name="queue">The queue.</param>
    public void Withdraw(RequestQueue queue)
    {
        _completion.TrySetCanceled();
        Dispose();
        queue.Remove(this);
    }

    /// <summary>Stops looking at cancellation and deadline.</summary>
    public void Dispose()
    {
        _registration.Unregister();
        _timer?.Dispose();
    }
}

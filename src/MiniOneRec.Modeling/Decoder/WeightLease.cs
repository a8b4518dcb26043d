namespace MiniOneRec.Modeling;

/// <summary>Keeps serving and training of one model's weights apart: many may serve at once, one thread may train alone.</summary>
internal sealed class WeightLease
{
    private readonly object _gate = new();
    private Thread? _trainer;
    private int _serving;
    private int _runs;

    /// <summary>Gets how often a training has begun: what was computed from the weights before is of no use after.</summary>
    public int Runs => Volatile.Read(ref _runs);

    /// <summary>Gets whether a thread trains the weights.</summary>
    public bool IsTraining => Volatile.Read(ref _trainer) is not null;

    /// <summary>Gets whether the calling thread is refused, because another one trains the weights.</summary>
    public bool Refuses => Volatile.Read(ref _trainer) is { } trainer && trainer != Thread.CurrentThread;

    /// <summary>Begins to train on the calling thread, after forward passes that run have ended.</summary>
    /// <returns>Ends the training when disposed; any thread may do so.</returns>
    /// <exception cref="InvalidOperationException">The weights are being trained already.</exception>
    public IDisposable Train()
    {
        lock (_gate)
        {
            if (_trainer is not null)
            {
                throw new InvalidOperationException(
                    "The weights are being trained already; wait for that run to end, or train a copy of the model.");
            }

            _trainer = Thread.CurrentThread;
            _runs++;
            while (_serving > 0)
            {
                Monitor.Wait(_gate);
            }
        }

        return new Ending(() =>
        {
            lock (_gate)
            {
                _trainer = null;
            }
        });
    }

    /// <summary>Begins to serve; the thread that trains may serve as well.</summary>
    /// <returns>Ends the serving when disposed.</returns>
    /// <exception cref="InvalidOperationException">Another thread trains the weights.</exception>
    public IDisposable Serve()
    {
        lock (_gate)
        {
            if (_trainer == Thread.CurrentThread)
            {
                return new Ending(static () => { });
            }

            if (_trainer is not null)
            {
                throw Refusal();
            }

            _serving++;
        }

        return new Ending(() =>
        {
            lock (_gate)
            {
                if (--_serving == 0)
                {
                    Monitor.PulseAll(_gate);
                }
            }
        });
    }

    /// <summary>Makes the exception for callers that want to serve meanwhile.</summary>
    public static InvalidOperationException Refusal() => new(
        "The weights of this model are being trained, so it does not serve. Serve a copy (save the recommender, then load it), "
        + "or wait until the training has ended.");

    private sealed class Ending(Action end) : IDisposable
    {
        private Action? _end = end;

        public void Dispose() => Interlocked.Exchange(ref _end, null)?.Invoke();
    }
}

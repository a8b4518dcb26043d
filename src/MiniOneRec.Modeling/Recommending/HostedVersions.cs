namespace MiniOneRec.Modeling;

/// <summary>
/// The versions of a host: the one that serves, the one that is kept for a rollback, and those that still answer their last requests.
/// Safe for concurrent use.
/// </summary>
/// <param name="keepPrevious">Whether the version that served before is kept.</param>
internal sealed class HostedVersions(bool keepPrevious)
{
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _draining = [];
    private HostedVersion? _active;
    private HostedVersion? _previous;
    private volatile bool _closed;

    /// <summary>Gets the version that serves, or <see langword="null"/>.</summary>
    public HostedVersion? Active => Volatile.Read(ref _active);

    /// <summary>Gets the version that is kept for a rollback, or <see langword="null"/>.</summary>
    public HostedVersion? Previous => Volatile.Read(ref _previous);

    /// <summary>Counts a request of the version that serves; the caller ends it with <see cref="HostedVersion.Exit"/>.</summary>
    /// <exception cref="InvalidOperationException">No version serves yet.</exception>
    /// <exception cref="ObjectDisposedException">The host is disposed.</exception>
    public HostedVersion Enter()
    {
        while (true)
        {
            var active = Active;
            if (active is null)
            {
                ThrowIfClosed();
                throw new InvalidOperationException(
                    $"No version serves yet; call {nameof(RecommenderHost.SwapAsync)} first, "
                    + $"or look at {nameof(RecommenderHost.IsReady)}.");
            }

            if (active.TryEnter())
            {
                return active;
            }
        }
    }

    /// <summary>Returns whether a recommender is one that serves or is kept.</summary>
    public bool Holds(IRecommender recommender) =>
        ReferenceEquals(recommender, Active?.Recommender) || ReferenceEquals(recommender, Previous?.Recommender);

    /// <summary>Serves a version from now on; the one before is kept or retired.</summary>
    /// <returns>The version that served before, or <see langword="null"/>.</returns>
    /// <exception cref="ObjectDisposedException">The host is disposed.</exception>
    public HostedVersion? Activate(HostedVersion next)
    {
        lock (_gate)
        {
            ThrowIfClosed();
            var before = _active;
            Volatile.Write(ref _active, next);
            Retire(keepPrevious ? Interlocked.Exchange(ref _previous, before) : before);
            return before;
        }
    }

    /// <summary>Serves the version that is kept; the one that served is kept in its place.</summary>
    /// <returns>The version that serves now, and the one before.</returns>
    /// <exception cref="InvalidOperationException">None is kept.</exception>
    /// <exception cref="ObjectDisposedException">The host is disposed.</exception>
    public (HostedVersion Active, HostedVersion? Before) Rollback()
    {
        lock (_gate)
        {
            ThrowIfClosed();
            if (_previous is not { } kept)
            {
                throw new InvalidOperationException(
                    $"There is no version to go back to; set {nameof(RecommenderHostOptions)}."
                    + $"{nameof(RecommenderHostOptions.KeepPrevious)} before the swap.");
            }

            (_active, _previous) = (kept, _active);
            return (kept, _previous);
        }
    }

    /// <summary>Waits until every retired version has answered its last request and is disposed.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task DrainAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return Task.WhenAll([.. _draining]).WaitAsync(cancellationToken);
        }
    }

    /// <summary>Refuses further versions; those that are here go on until <see cref="RetireAll"/>.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closed = true;
        }
    }

    /// <summary>Retires the version that serves and the one that is kept.</summary>
    public void RetireAll()
    {
        lock (_gate)
        {
            Retire(Interlocked.Exchange(ref _active, null));
            Retire(Interlocked.Exchange(ref _previous, null));
        }
    }

    /// <summary>Throws where the versions are closed.</summary>
    /// <exception cref="ObjectDisposedException">The host is disposed.</exception>
    public void ThrowIfClosed() => ObjectDisposedException.ThrowIf(_closed, typeof(RecommenderHost));

    private void Retire(HostedVersion? version)
    {
        if (version is not null)
        {
            var ended = version.RetireAsync();
            _draining.RemoveWhere(task => task.IsCompleted);
            _draining.Add(ended);
        }
    }
}

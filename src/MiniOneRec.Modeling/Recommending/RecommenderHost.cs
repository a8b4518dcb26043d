using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Modeling;

/// <summary>Serves one version of a recommender and changes to another without failing a request.</summary>
/// <remarks>
/// A new version is loaded aside and warmed up while the active one serves. The change is atomic: each request is answered by one version.
/// The
/// version before is disposed when its last request is answered, or kept for <see cref="RollbackAsync"/>. Where loading or warming up
/// fails, the active
/// version goes on serving. Swaps run one at a time, in the order of their calls; one that is called from the loading or warm-up of another
/// is refused.
/// Safe for concurrent use.
/// </remarks>
public sealed class RecommenderHost : IRecommender, IDisposable, IAsyncDisposable
{
    private const string RequestKind = "request";
    private readonly RecommenderHostOptions _options;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly IMeterFactory? _meters;
    private readonly ScorerLoader[] _scorers;
    private readonly RecommenderTelemetry _telemetry;
    private readonly SemaphoreSlim _swapping = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly HashSet<Task> _draining = [];
    private readonly Queue<RecommenderSwappedEventArgs> _untold = [];
    private HostedVersion? _active;
    private HostedVersion? _previous;
    private Task? _disposal;
    private bool _telling;

    /// <summary>Makes a host without a version; it is ready after the first swap.</summary>
    /// <param name="options">The options; copied.</param>
    /// <param name="loggers">Makes the loggers of the host and of the recommenders that it loads.</param>
    /// <param name="meters">Makes their meters and owns them; <see langword="null"/> for meters that end with the host and with each
    /// recommender.</param>
    /// <param name="scorers">Load the priors that were saved with models, by their kind; <see langword="null"/> for none.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public RecommenderHost(
        RecommenderHostOptions? options = null, ILoggerFactory? loggers = null, IMeterFactory? meters = null,
        IEnumerable<ScorerLoader>? scorers = null)
    {
        _options = OptionsValidation.Validated(options ?? new RecommenderHostOptions(), new RecommenderHostOptionsValidator()).Copy();
        (_loggers, _meters, _scorers) = (loggers ?? NullLoggerFactory.Instance, meters, [.. scorers ?? []]);
        _logger = _loggers.CreateLogger<RecommenderHost>();
        _telemetry = new RecommenderTelemetry(meters);
        Name = "minionerec";
    }

    /// <summary>Makes a host that serves a recommender at once, without warming it up.</summary>
    /// <param name="recommender">The first version; the host then owns it.</param>
    /// <param name="version">Its name.</param>
    /// <param name="options">The options; copied.</param>
    /// <param name="loggers">Makes the loggers of the host and of the recommenders that it loads.</param>
    /// <param name="meters">Makes their meters and owns them; <see langword="null"/> for meters that end with the host and with each
    /// recommender.</param>
    /// <param name="scorers">Load the priors that were saved with models, by their kind; <see langword="null"/> for none.</param>
    public RecommenderHost(
        IRecommender recommender, string version, RecommenderHostOptions? options = null, ILoggerFactory? loggers = null,
        IMeterFactory? meters = null,
        IEnumerable<ScorerLoader>? scorers = null)
        : this(options, loggers, meters, scorers)
    {
        ArgumentNullException.ThrowIfNull(recommender);
        ArgumentException.ThrowIfNullOrEmpty(version);
        _active = new HostedVersion(version, recommender, _logger);
    }

    /// <summary>
    /// Raised after another version began to serve, on a thread of a swap, one change at a time and in their order. A handler may swap
    /// again. An exception
    /// of a handler is logged and changes nothing.
    /// </summary>
    public event EventHandler<RecommenderSwappedEventArgs>? Swapped;

    /// <summary>Gets or sets the name under which reports and metrics list the host and the recommenders that it loads.</summary>
    /// <value>The default is <c>minionerec</c>.</value>
    public string Name
    {
        get => _telemetry.Name;
        set => _telemetry.Name = value;
    }

    /// <summary>Gets what makes the templates of folders again.</summary>
    /// <value>The default is <see cref="PromptTemplateRegistry.Default"/>.</value>
    public PromptTemplateRegistry Templates { get; init; } = PromptTemplateRegistry.Default;

    /// <summary>Gets what loads the backbones of folders.</summary>
    /// <value>The default is <see cref="BackboneRegistry.Default"/>.</value>
    public BackboneRegistry Backbones { get; init; } = BackboneRegistry.Default;

    /// <summary>Gets whether a version serves.</summary>
    public bool IsReady => Volatile.Read(ref _active) is not null;

    /// <summary>Gets the name of the version that serves, or <see langword="null"/> before the first one and after disposal.</summary>
    public string? ActiveVersion => Volatile.Read(ref _active)?.Name;

    /// <summary>Gets the name of the version that is kept for a rollback, or <see langword="null"/> for none.</summary>
    public string? PreviousVersion => Volatile.Read(ref _previous)?.Name;

    /// <summary>Gets the recommender that serves, or <see langword="null"/>; a later swap disposes it.</summary>
    public IRecommender? Active => Volatile.Read(ref _active)?.Recommender;

    /// <summary>Gets how the container loads a folder on a device, or <see langword="null"/> for a host without container.</summary>
    internal Func<string, string, CancellationToken, Task<GenerativeRecommender>>? LoadFolder { get; init; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">No version serves yet.</exception>
    /// <exception cref="ObjectDisposedException">The host is disposed, or was before the answer.</exception>
    public async Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        var version = Enter();
        using var stop = _options.PendingOnDispose == PendingRequests.Cancel ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token) : null;
        try
        {
            using var inside = UserCode.Enter(this, RequestKind);
            var answer = version.Recommender.RecommendAsync(requests, stop?.Token ?? cancellationToken);
            return await (stop is null ? answer : answer.WaitAsync(stop.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop is not null && _stop.IsCancellationRequested
            && !cancellationToken.IsCancellationRequested)
        {
            throw Disposed();
        }
        finally
        {
            version.Exit();
        }
    }

    /// <summary>Loads a folder aside, warms it up and serves it.</summary>
    /// <param name="folder">A folder that <see cref="GenerativeRecommender.SaveAsync(string, CancellationToken)"/> wrote.</param>
    /// <param name="version">The version's name; by default the folder's.</param>
    /// <param name="cancellationToken">Ends the loading and warming up; the active version goes on serving.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public Task SwapAsync(string folder, string? version = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return SwapAsync(
            async token =>
            {
                var loaded = await (LoadFolder ?? LoadAsync)(folder, _options.Device, token).ConfigureAwait(false);
                loaded.Name = Name;
                return loaded;
            },
            version ?? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), cancellationToken);
    }

    /// <summary>Warms a recommender up and serves it.</summary>
    /// <param name="recommender">The recommender. The host owns it once it serves; where the swap fails it stays the caller's.</param>
    /// <param name="version">The version's name.</param>
    /// <param name="cancellationToken">Ends the warming up; the active version goes on serving.</param>
    /// <exception cref="ArgumentException">The host has the recommender already.</exception>
    public Task SwapAsync(IRecommender recommender, string version, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recommender);
        return SwapAsync(_ => Task.FromResult(recommender), version, owned: false, cancellationToken);
    }

    /// <summary>Makes a recommender, warms it up and serves it.</summary>
    /// <param name="load">Makes the recommender, with prior and fallback where it has them; the host owns what it returns.</param>
    /// <param name="version">The version's name.</param>
    /// <param name="cancellationToken">Ends the loading and warming up; the active version goes on serving.</param>
    public Task SwapAsync(Func<CancellationToken, Task<IRecommender>> load, string version, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(load);
        return SwapAsync(load, version, owned: true, cancellationToken);
    }

    /// <summary>Serves the version before again; the present one is then the one that is kept.</summary>
    /// <param name="cancellationToken">Ends the waiting for swaps that run.</param>
    /// <exception cref="InvalidOperationException">There is none; <see cref="RecommenderHostOptions.KeepPrevious"/> keeps it.</exception>
    public async Task RollbackAsync(CancellationToken cancellationToken = default)
    {
        UserCode.Refuse(this, nameof(RollbackAsync), allowed: RequestKind);
        await _swapping.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            lock (_gate)
            {
                ObjectDisposedException.ThrowIf(_disposal is not null, this);
                if (_previous is null)
                {
                    throw new InvalidOperationException(
                        $"There is no version to go back to; set {nameof(RecommenderHostOptions)}.{nameof(RecommenderHostOptions.KeepPrevious)} before the swap.");
                }

                _untold.Enqueue(new RecommenderSwappedEventArgs(_previous.Name, _active?.Name));
                (_active, _previous) = (_previous, _active);
            }
        }
        finally
        {
            _swapping.Release();
        }

        Tell();
    }

    /// <summary>Waits until every version that no longer serves has answered its last request and is disposed.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task DrainAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            return Task.WhenAll([.. _draining]).WaitAsync(cancellationToken);
        }
    }

    /// <summary>Answers or fails the requests in flight, by <see cref="RecommenderHostOptions.PendingOnDispose"/>, then disposes every
    /// version.</summary>
    /// <exception cref="InvalidOperationException">The call comes from inside code that a request of this host waits for.</exception>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        UserCode.Refuse(this, nameof(Dispose));
        lock (_gate)
        {
            return new ValueTask(_disposal ??= Task.Run(EndAsync));
        }
    }

    private static ObjectDisposedException Disposed() => new(nameof(RecommenderHost));

    private static async Task WarmUpAsync(IRecommender recommender, CancellationToken cancellationToken)
    {
        if (recommender is GenerativeRecommender { Index.Count: > 0 } generative)
        {
            await generative.RecommendAsync([generative.Index.Items[0]], 1, cancellationToken).ConfigureAwait(false);
        }
    }

    private Task<GenerativeRecommender> LoadAsync(string folder, string device, CancellationToken cancellationToken)
    {
        var load = new RecommenderLoadOptions
        {
            Device = device,
            Scorers = _scorers,
            Templates = Templates,
            Backbones = Backbones,
            Logger = _loggers.CreateLogger<GenerativeRecommender>(),
            Meters = _meters,
        };
        return GenerativeRecommender.LoadAsync(folder, load, cancellationToken);
    }

    private HostedVersion Enter()
    {
        while (true)
        {
            var active = Volatile.Read(ref _active);
            if (active is null)
            {
                throw Volatile.Read(ref _disposal) is not null
                    ? Disposed()
                    : new InvalidOperationException(
                        $"No version serves yet; call {nameof(SwapAsync)} first, or look at {nameof(IsReady)}.");
            }

            if (active.TryEnter())
            {
                return active;
            }
        }
    }

    private async Task SwapAsync(Func<CancellationToken, Task<IRecommender>> load, string version, bool owned,
        CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(version);
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposal) is not null, this);
        UserCode.Refuse(this, nameof(SwapAsync), allowed: RequestKind);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token);
        IRecommender? next = null;
        bool entered = false, serves = false;
        try
        {
            await _swapping.WaitAsync(stop.Token).ConfigureAwait(false);
            entered = true;
            using var inside = UserCode.Enter(this, "loading or warm-up");
            long start = Stopwatch.GetTimestamp();
            next = await load(stop.Token).ConfigureAwait(false)
                ?? throw new InvalidOperationException($"Version '{version}' was loaded as null.");
            if (ReferenceEquals(next, this) || ReferenceEquals(next, _active?.Recommender) || ReferenceEquals(next, _previous?.Recommender))
            {
                owned = false;
                throw new ArgumentException($"The recommender of version '{version}' is one that the host has already.");
            }

            var loadTime = Stopwatch.GetElapsedTime(start);
            _telemetry.Stage("load", start);
            start = Stopwatch.GetTimestamp();
            await (_options.WarmUp ?? WarmUpAsync)(next, stop.Token).ConfigureAwait(false);
            stop.Token.ThrowIfCancellationRequested();
            var warmUpTime = Stopwatch.GetElapsedTime(start);
            _telemetry.Stage("warmup", start);
            Activate(new HostedVersion(version, next, _logger), loadTime, warmUpTime);
            serves = true;
        }
        catch (Exception e) when (!serves)
        {
            if (next is not null && owned)
            {
                await HostedVersion.DisposeAsync(next).ConfigureAwait(false);
            }

            Log.VersionRefused(_logger, e, version, ActiveVersion ?? "none");
            ObjectDisposedException.ThrowIf(e is OperationCanceledException && _stop.IsCancellationRequested, this);
            throw;
        }
        finally
        {
            if (entered)
            {
                _swapping.Release();
            }
        }

        Tell();
    }

    private void Activate(HostedVersion next, TimeSpan loadTime, TimeSpan warmUpTime)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposal is not null, this);
            var before = _active;
            Volatile.Write(ref _active, next);
            Retire(_options.KeepPrevious ? Interlocked.Exchange(ref _previous, before) : before);
            _untold.Enqueue(new RecommenderSwappedEventArgs(next.Name, before?.Name) { LoadTime = loadTime, WarmUpTime = warmUpTime });
        }
    }

    private void Retire(HostedVersion? version)
    {
        if (version is not null)
        {
            var ended = version.RetireAsync();
            _draining.RemoveWhere(task => task.IsCompleted);
            _draining.Add(ended);
        }
    }

    /// <summary>Tells of the changes that nobody was told of. Outside the swaps' lock, so that a handler may swap.</summary>
    private void Tell()
    {
        for (var told = NextUntold(mine: false); told is not null; told = NextUntold(mine: true))
        {
            Tell(told);
        }
    }

    private RecommenderSwappedEventArgs? NextUntold(bool mine)
    {
        lock (_gate)
        {
            if (_telling && !mine)
            {
                return null;                                        // the thread that tells goes on
            }

            _telling = _untold.TryDequeue(out var told);
            return told;
        }
    }

    private void Tell(RecommenderSwappedEventArgs told)
    {
        _telemetry.Swapped("model");
        Log.VersionSwapped(_logger, told.Version, told.LoadTime.TotalMilliseconds, told.WarmUpTime.TotalMilliseconds,
            told.Previous ?? "none");
        try
        {
            Swapped?.Invoke(this, told);
        }
#pragma warning disable CA1031 // The new version serves already; a handler cannot undo that by throwing.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.HandlerFailed(_logger, e, told.Version);
        }
    }

    private async Task EndAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _swapping.WaitAsync().ConfigureAwait(false);          // a swap that runs gives up
        lock (_gate)
        {
            Retire(Interlocked.Exchange(ref _active, null));
            Retire(Interlocked.Exchange(ref _previous, null));
        }

        await DrainAsync().ConfigureAwait(false);
        _telemetry.Dispose();
        _swapping.Release();
    }
}

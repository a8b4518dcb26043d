using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Modeling;

/// <summary>Serves one version of a recommender and changes to another without failing a request.</summary>
/// <remarks>
/// A new version is loaded aside and warmed up while the active one serves. The change is atomic: each request is answered by one version.
/// The version before is disposed when its last request is answered, or kept for <see cref="RollbackAsync"/>. Where loading or warming up
/// fails, the active version goes on serving. Swaps run one at a time, in the order of their calls; a swap that is called from the loading
/// or warm-up of another is refused. Safe for concurrent use.
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
    private readonly HostedVersions _versions;
    private readonly SwapAnnouncer _announcer;
    private Task? _disposal;

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
        _versions = new HostedVersions(_options.KeepPrevious);
        _announcer = new SwapAnnouncer(_telemetry, _logger, swap => Swapped?.Invoke(this, swap));
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
        _versions.Activate(new HostedVersion(version, recommender, _logger));
    }

    /// <summary>
    /// Raised after another version began to serve, on a thread of a swap, one change at a time and in their order. A handler may swap
    /// again. An exception of a handler is logged and changes nothing.
    /// </summary>
    public event EventHandler<RecommenderSwappedEventArgs>? Swapped;

    /// <summary>Gets or sets the name under which reports and metrics list the host and the recommenders that it loads.</summary>
    /// <value>The default is <c>minionerec</c>.</value>
    public string Name
    {
        get => _telemetry.Name;
        set => _telemetry.Name = value;
    }

    /// <summary>Gets the registry that makes the templates of saved folders.</summary>
    /// <value>The default is <see cref="PromptTemplateRegistry.Default"/>.</value>
    public PromptTemplateRegistry Templates { get; init; } = PromptTemplateRegistry.Default;

    /// <summary>Gets the registry that loads the backbones of saved folders.</summary>
    /// <value>The default is <see cref="BackboneRegistry.Default"/>.</value>
    public BackboneRegistry Backbones { get; init; } = BackboneRegistry.Default;

    /// <summary>Gets whether a version serves.</summary>
    public bool IsReady => _versions.Active is not null;

    /// <summary>Gets the name of the version that serves, or <see langword="null"/> before the first one and after disposal.</summary>
    public string? ActiveVersion => _versions.Active?.Name;

    /// <summary>Gets the name of the version that is kept for a rollback, or <see langword="null"/> for none.</summary>
    public string? PreviousVersion => _versions.Previous?.Name;

    /// <summary>Gets the recommender that serves, or <see langword="null"/>; a later swap disposes it.</summary>
    public IRecommender? Active => _versions.Active?.Recommender;

    /// <summary>Gets how the container loads a folder on a device, or <see langword="null"/> for a host without container.</summary>
    internal Func<string, string, CancellationToken, Task<GenerativeRecommender>>? LoadFolder { get; init; }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">No version serves yet.</exception>
    /// <exception cref="ObjectDisposedException">The host is disposed, or was before the answer.</exception>
    public async Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        var version = _versions.Enter();
        using var stop = _options.PendingOnDispose == PendingRequests.Cancel
            ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stop.Token) : null;
        try
        {
            using var inside = UserCode.Enter(this, RequestKind);
            var answer = version.Recommender.RecommendAsync(requests, stop?.Token ?? cancellationToken);
            return await (stop is null ? answer : answer.WaitAsync(stop.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop is not null && _stop.IsCancellationRequested
            && !cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(RecommenderHost));
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
            var (active, before) = _versions.Rollback();
            _announcer.Add(new RecommenderSwappedEventArgs(active.Name, before?.Name));
        }
        finally
        {
            _swapping.Release();
        }

        _announcer.AnnounceWaiting();
    }

    /// <summary>Waits until every version that no longer serves has answered its last request and is disposed.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task DrainAsync(CancellationToken cancellationToken = default) => _versions.DrainAsync(cancellationToken);

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
            _versions.Close();
            return new ValueTask(_disposal ??= Task.Run(EndAsync));
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

    private async Task SwapAsync(Func<CancellationToken, Task<IRecommender>> load, string version, bool owned,
        CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(version);
        _versions.ThrowIfClosed();
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
            if (ReferenceEquals(next, this) || _versions.Holds(next))
            {
                owned = false;
                throw new ArgumentException($"The recommender of version '{version}' is one that the host has already.");
            }

            var loadTime = Stopwatch.GetElapsedTime(start);
            _telemetry.Stage("load", start);
            start = Stopwatch.GetTimestamp();
            await (_options.WarmUp ?? HostedVersion.WarmUpAsync)(next, stop.Token).ConfigureAwait(false);
            stop.Token.ThrowIfCancellationRequested();
            var warmUpTime = Stopwatch.GetElapsedTime(start);
            _telemetry.Stage("warmup", start);
            var before = _versions.Activate(new HostedVersion(version, next, _logger));
            serves = true;
            _announcer.Add(new RecommenderSwappedEventArgs(version, before?.Name) { LoadTime = loadTime, WarmUpTime = warmUpTime });
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

        _announcer.AnnounceWaiting();
    }

    private async Task EndAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _swapping.WaitAsync().ConfigureAwait(false);          // a swap that runs gives up
        _versions.RetireAll();
        await DrainAsync().ConfigureAwait(false);
        _telemetry.Dispose();
        _swapping.Release();
    }
}

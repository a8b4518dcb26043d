using Microsoft.Extensions.Logging;

namespace MiniOneRec.Modeling;

/// <summary>One version of a hosted recommender: counts its requests and is disposed after the last one, once it is retired.</summary>
/// <param name="name">The version's name.</param>
/// <param name="recommender">The recommender, owned.</param>
/// <param name="logger">Told when the version is disposed.</param>
internal sealed class HostedVersion(string name, IRecommender recommender, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _inside;
    private bool _retired;

    public string Name => name;

    public IRecommender Recommender => recommender;

    /// <summary>Counts a request, unless the version is retired.</summary>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (_retired)
            {
                return false;
            }

            _inside++;
            return true;
        }
    }

    /// <summary>Ends a request that entered.</summary>
    public void Exit()
    {
        lock (_gate)
        {
            if (--_inside > 0 || !_retired)
            {
                return;
            }
        }

        End();
    }

    /// <summary>Lets no further request in, and disposes the recommender when the last one is answered.</summary>
    /// <returns>Completes when the recommender is disposed; never fails.</returns>
    public Task RetireAsync()
    {
        lock (_gate)
        {
            if (_retired)
            {
                return _ended.Task;
            }

            _retired = true;
            if (_inside > 0)
            {
                return _ended.Task;
            }
        }

        End();
        return _ended.Task;
    }

    /// <summary>Asks a recommender with a catalogue for one recommendation, so that the first request of a caller is not slow.</summary>
    public static async Task WarmUpAsync(IRecommender recommender, CancellationToken cancellationToken)
    {
        if (recommender is GenerativeRecommender { Index.Count: > 0 } generative)
        {
            await generative.RecommendAsync([generative.Index.Items[0]], 1, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Disposes a recommender that is no longer in use.</summary>
    public static async ValueTask DisposeAsync(IRecommender recommender)
    {
        if (recommender is IAsyncDisposable asynchronous)
        {
            await asynchronous.DisposeAsync().ConfigureAwait(false);
        }
        else
        {
            (recommender as IDisposable)?.Dispose();
        }
    }

    // On a thread of the pool and outside the call's context: disposal joins a thread, and the last request's caller shall not wait for it.
    private void End() => ThreadPool.UnsafeQueueUserWorkItem(
        static async version =>
        {
            try
            {
                await DisposeAsync(version.Recommender).ConfigureAwait(false);
                version.Ended(null);
            }
#pragma warning disable CA1031 // A recommender that cannot be disposed must not take the process down.
            catch (Exception e)
#pragma warning restore CA1031
            {
                version.Ended(e);
            }
        },
        this, preferLocal: false);

    private void Ended(Exception? error)
    {
        if (error is null)
        {
            Log.VersionDisposed(logger, name);
        }
        else
        {
            Log.VersionNotDisposed(logger, error, name);
        }

        _ended.TrySetResult();
    }
}

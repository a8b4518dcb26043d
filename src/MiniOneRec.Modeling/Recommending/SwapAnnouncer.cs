using Microsoft.Extensions.Logging;

namespace MiniOneRec.Modeling;

/// <summary>Counts, logs and raises swaps one at a time and in their order, whichever threads make them. Safe for concurrent use.</summary>
/// <remarks>
/// A swap is added while the swaps' lock is held and announced after it is released, so that a handler may swap again. One thread
/// announces at a time; a swap that is added meanwhile is announced by that thread.
/// </remarks>
/// <param name="telemetry">Counts the swaps.</param>
/// <param name="logger">Receives one message per swap, and the exceptions of handlers.</param>
/// <param name="raise">Calls the application's handlers.</param>
internal sealed class SwapAnnouncer(RecommenderTelemetry telemetry, ILogger logger, Action<RecommenderSwappedEventArgs> raise)
{
    private readonly Lock _gate = new();
    private readonly Queue<RecommenderSwappedEventArgs> _waiting = [];
    private bool _announcing;

    /// <summary>Adds a swap that is to be announced.</summary>
    public void Add(RecommenderSwappedEventArgs swap)
    {
        lock (_gate)
        {
            _waiting.Enqueue(swap);
        }
    }

    /// <summary>Announces all swaps that wait, unless another thread, or a caller of this method up the stack, does so.</summary>
    public void AnnounceWaiting()
    {
        for (var swap = Next(continues: false); swap is not null; swap = Next(continues: true))
        {
            Announce(swap);
        }
    }

    private RecommenderSwappedEventArgs? Next(bool continues)
    {
        lock (_gate)
        {
            if (_announcing && !continues)
            {
                return null;
            }

            _announcing = _waiting.TryDequeue(out var swap);
            return swap;
        }
    }

    private void Announce(RecommenderSwappedEventArgs swap)
    {
        telemetry.Swapped("model");
        Log.VersionSwapped(logger, swap.Version, swap.LoadTime.TotalMilliseconds, swap.WarmUpTime.TotalMilliseconds,
            swap.Previous ?? "none");
        try
        {
            raise(swap);
        }
#pragma warning disable CA1031 // The new version serves already; a handler cannot undo that by throwing.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.HandlerFailed(logger, e, swap.Version);
        }
    }
}

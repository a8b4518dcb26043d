using Microsoft.Extensions.Hosting;

namespace MiniOneRec.AspNetCore;

/// <summary>Whether the server takes requests: not before its start, and no longer once it stops.</summary>
internal sealed class ServingState : IDisposable
{
    private readonly CancellationTokenRegistration _stopping;
    private volatile bool _started;
    private volatile bool _draining;

    public ServingState(IHostApplicationLifetime lifetime) => _stopping = lifetime.ApplicationStopping.Register(() => _draining = true);

    public bool IsDraining => _draining;

    public bool IsStarted => _started;

    /// <summary>Says that models and stores are there.</summary>
    public void Started() => _started = true;

    /// <exception cref="ServingProblem">503 while the server starts or drains.</exception>
    public void CheckTakesRequests()
    {
        if (_draining)
        {
            throw ServingProblem.Unavailable("draining", "The server is stopping; it answers what it has taken and takes no more.");
        }

        if (!_started)
        {
            throw ServingProblem.Unavailable("starting", "The server is starting.");
        }
    }

    public void Dispose() => _stopping.Dispose();
}

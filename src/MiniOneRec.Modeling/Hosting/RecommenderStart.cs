using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace MiniOneRec.Modeling;

/// <summary>Loads the registered recommenders and hosts before the application's own services start, so that a missing folder stops the
/// start.</summary>
internal sealed class RecommenderStart(
    IServiceProvider provider, RecommenderLoader loader, IEnumerable<RecommenderRegistration> registrations,
    IEnumerable<RecommenderPart> parts)
    : IHostedLifecycleService
{
    /// <inheritdoc/>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        RecommenderPart.Check(parts, registrations);
        foreach (var registration in registrations)
        {
            await loader.LoadAsync(registration.Name, cancellationToken).ConfigureAwait(false);

            // Resolved once, it is the container's to dispose.
            _ = registration.Name.Length == 0
                ? provider.GetRequiredService(registration.Service)
                : provider.GetRequiredKeyedService(registration.Service, registration.Name);
        }
    }

    /// <summary>Loads what <see cref="StartingAsync"/> has not loaded: a host that the application writes may call only this.</summary>
    public Task StartAsync(CancellationToken cancellationToken) => StartingAsync(cancellationToken);

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

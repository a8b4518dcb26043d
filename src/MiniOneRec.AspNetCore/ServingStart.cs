using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MiniOneRec.Datasets;
using MiniOneRec.Stores;

namespace MiniOneRec.AspNetCore;

/// <summary>Opens the stores and loads the first models before the server listens, then reads changes of other replicas.</summary>
internal sealed class ServingStart(
    IHistoryStore histories, IItemStore itemStore, SharedParts parts, LiveCatalogue live, ModelRegistry models, ServingState state,
    PrometheusPage metrics, IOptions<ServingOptions> options, TimeProvider time) : BackgroundService, IHostedLifecycleService
{
    /// <inheritdoc/>
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        _ = metrics;                                                // listens from now on
        var settings = options.Value;
        await histories.InitializeAsync(cancellationToken).ConfigureAwait(false);
        if (!ReferenceEquals(histories, itemStore))
        {
            await itemStore.InitializeAsync(cancellationToken).ConfigureAwait(false);
        }

        await parts.InitializeAsync(cancellationToken).ConfigureAwait(false);
        if (settings.Items.Length > 0)
        {
            live.Items.Begin((await ItemJsonReader.ReadAsync(settings.Items,
                cancellationToken).ToArrayAsync(cancellationToken).ConfigureAwait(false)).ById());
        }

        // What was chosen while serving holds after a restart; the settings name the first choice.
        if (!await models.FollowAsync(cancellationToken).ConfigureAwait(false) && settings.Model.Length > 0)
        {
            try
            {
                await models.BeginAsync(settings.Model, cancellationToken).ConfigureAwait(false);
            }
            catch (ServingProblem e)
            {
                throw new InvalidDataException(
                    $"Serving:Model is '{settings.Model}' below '{Path.GetFullPath(settings.ModelRoot)}': {e.Message}", e);
            }
        }

        state.Started();
    }

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        RepeatAsync(live.SyncAsync, stoppingToken), RepeatAsync(models.KeepFollowingAsync, stoppingToken));

    private async Task RepeatAsync(Func<CancellationToken, Task> read, CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.SyncMilliseconds), time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                await read(stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // the server stops
        }
    }
}

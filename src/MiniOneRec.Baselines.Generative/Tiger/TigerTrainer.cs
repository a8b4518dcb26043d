using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MiniOneRec.Tensors;
using TorchSharp;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Trains <see cref="TigerRecommender"/> from scratch.</summary>
public sealed class TigerTrainer
{
    private readonly TigerOptions _options;
    private readonly MiniOneRecOptions _shared;
    private readonly ILogger _logger;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults; copied.</param>
    /// <param name="shared">Device and seed.</param>
    /// <param name="logger">Receives one message per epoch.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public TigerTrainer(TigerOptions? options = null, MiniOneRecOptions? shared = null, ILogger<TigerTrainer>? logger = null)
    {
        _options = (options ?? new TigerOptions()).Validated().Copy();
        (_shared, _logger) = (shared ?? new MiniOneRecOptions(), logger ?? NullLogger<TigerTrainer>.Instance);
    }

    /// <summary>Trains a recommender from fresh weights; equal seeds give equal weights on the CPU.</summary>
    /// <param name="index">The catalogue's semantic IDs.</param>
    /// <param name="train">The users' training sequences; items outside the index are left out.</param>
    /// <param name="validation">Rows that decide which weights are kept; may be empty, then the last ones are.</param>
    /// <param name="progress">Told every ten steps and after each epoch.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <exception cref="ArgumentException">No training sequence holds two items of the index.</exception>
    /// <exception cref="InvalidOperationException">The device is not there.</exception>
    /// <exception cref="TrainingDivergedException">The loss or a weight is no finite number.</exception>
    public Task<TigerRecommender> TrainAsync(
        SemanticIdIndex index, IReadOnlyList<UserSequence> train, IReadOnlyList<NextItemExample> validation,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(validation);
        var rows = TigerRows.Of(index, train);
        if (rows.Count == 0)
        {
            throw new ArgumentException("No training sequence has two items of the index; there is nothing to learn.", nameof(train));
        }

        cancellationToken.ThrowIfCancellationRequested();
        return TorchThread.RunAsync("MiniOneRec tiger", () => Train(index, rows, validation, progress, cancellationToken));
    }

    private TigerRecommender Train(
        SemanticIdIndex index, TigerRows rows, IReadOnlyList<NextItemExample> validation, IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        TorchSeed.Apply(_shared.Seed);
        var model = new T5Model(new TigerPrompts(index, _options).Config());
        model.to(TorchSeed.DeviceOf(_shared.Device));
        var recommender = new TigerRecommender(model, index, rows.Counts, _options);
        try
        {
            using var run = new TigerRun(recommender, rows, validation, _shared.Seed, _logger);
            recommender.Training = run.Train(progress, cancellationToken);
            return recommender;
        }
        catch
        {
            recommender.Dispose();
            throw;
        }
    }
}

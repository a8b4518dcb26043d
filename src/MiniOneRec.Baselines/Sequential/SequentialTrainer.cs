using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MiniOneRec.Tensors;
using TorchSharp;

namespace MiniOneRec.Baselines;

/// <summary>Trains a sequential neural baseline: a loss behind every position, early stopping on validation NDCG@10.</summary>
/// <typeparam name="TOptions">The options of the baseline.</typeparam>
/// <typeparam name="TRecommender">The baseline.</typeparam>
public abstract class SequentialTrainer<TOptions, TRecommender>
    where TOptions : SequentialModelOptions
    where TRecommender : SequentialRecommender
{
    private readonly string _stage;
    private readonly TOptions _options;
    private readonly MiniOneRecOptions _shared;
    private readonly ILogger _logger;

    private protected SequentialTrainer(string stage, TOptions options, MiniOneRecOptions? shared, ILogger? logger)
    {
        (_stage, _options) = (stage, (TOptions)options.Copy());
        _shared = shared ?? new MiniOneRecOptions();
        _logger = logger ?? NullLogger.Instance;
    }

    /// <summary>Trains a recommender from fresh weights; equal seeds give equal weights on the CPU.</summary>
    /// <param name="train">The users' training sequences.</param>
    /// <param name="validation">Rows that decide when to stop; may be empty, then all epochs are run.</param>
    /// <param name="items">The catalogue; by default the items of the training sequences.</param>
    /// <param name="progress">Told every ten steps and after each epoch.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <exception cref="ArgumentException">No items, an item twice, or no training sequence of two known items.</exception>
    /// <exception cref="InvalidOperationException">The device is not there.</exception>
    /// <exception cref="TrainingDivergedException">The loss or a weight is no finite number.</exception>
    public Task<TRecommender> TrainAsync(
        IReadOnlyList<UserSequence> train,
        IReadOnlyList<NextItemExample> validation,
        IReadOnlyList<string>? items = null,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(train);
        var options = Resolve((TOptions)_options.Copy(), train);
        var data = SequentialData.Of(train, validation, items, options.MaxLength, ReadsTimes(options));
        cancellationToken.ThrowIfCancellationRequested();
        return TorchThread.RunAsync("MiniOneRec " + _stage, () => Train(data, options, progress, cancellationToken));
    }

    private protected abstract SequentialModel CreateModel(int items, TOptions options);

    private protected abstract TRecommender CreateRecommender(ItemCatalogue catalogue, SequentialModel model, TOptions options);

    /// <summary>Decides what the options leave to the data.</summary>
    /// <param name="options">A copy of the options.</param>
    /// <param name="train">The users' training sequences.</param>
    private protected virtual TOptions Resolve(TOptions options, IReadOnlyList<UserSequence> train) => options;

    /// <summary>Tells whether the model learns from times.</summary>
    private protected virtual bool ReadsTimes(TOptions options) => false;

    private TRecommender Train(
        SequentialData data, TOptions options, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        TorchSeed.Apply(_shared.Seed);
        if (data.Dropped > 0 || data.UnknownTargets > 0)
        {
            Log.DataDropped(_logger, _stage, data.Dropped, data.UnknownTargets);
        }

        var model = CreateModel(data.Catalogue.Count, options);
        try
        {
            model.to(TorchSeed.DeviceOf(_shared.Device));
            using var run = new TrainingRun(_stage, model, options, _shared.Seed, _logger);
            var result = run.Train(data, progress, cancellationToken);
            var recommender = CreateRecommender(data.Catalogue, model, options);
            (recommender.Training, recommender.DroppedInteractions) = (result, data.Dropped);
            return recommender;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}

using Microsoft.Extensions.Logging;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Trains <see cref="D3Recommender"/>: supervised training on titles.</summary>
public sealed class D3Trainer
{
    private readonly D3Options _options;
    private readonly MiniOneRecOptions _shared;
    private readonly ILogger<D3Trainer>? _logger;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults; copied.</param>
    /// <param name="shared">Device and seed.</param>
    /// <param name="logger">Receives what loading and training have to say.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public D3Trainer(D3Options? options = null, MiniOneRecOptions? shared = null, ILogger<D3Trainer>? logger = null)
    {
        _options = (options ?? new D3Options()).Validated().Copy();
        _options.Model.Validated();
        (_shared, _logger) = (shared ?? new MiniOneRecOptions(), logger);
    }

    /// <summary>Trains a recommender.</summary>
    /// <param name="items">The catalogue; items without a title are never recommended.</param>
    /// <param name="train">The users' training sequences.</param>
    /// <param name="assistant">Scores the catalogue, for example a SASRec; <see langword="null"/> for none. It stays the caller's.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <exception cref="ArgumentException">No item has a title, or no training row remains.</exception>
    /// <exception cref="FileNotFoundException">The pretrained model is not there.</exception>
    /// <exception cref="InvalidDataException">A file of the pretrained model is damaged.</exception>
    /// <exception cref="TrainingDivergedException">The loss, the gradient or a weight is no finite number.</exception>
    public async Task<D3Recommender> TrainAsync(
        IReadOnlyList<Item> items, IReadOnlyList<UserSequence> train, IItemScorer? assistant = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var model = await TitleTraining.CreateAsync(_options, _shared, items, train, _logger, cancellationToken).ConfigureAwait(false);
        try
        {
            var training = await TitleTraining.TrainAsync(model, _options, _shared, train, progress, cancellationToken)
                .ConfigureAwait(false);
            return new D3Recommender(model, _options, assistant) { Training = training };
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}

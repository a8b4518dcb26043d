using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Trains S-DPO: supervised training on next items, then direct preference of the item that came over several that did
/// not.</summary>
/// <remarks>
/// Chen et al. (arXiv:2406.09215), equation 10, through <see cref="PreferenceTrainer"/>. Departures: items are semantic IDs as in the
/// comparison of the MiniOneRec paper, not titles; rejected items are drawn from the whole catalogue; answers come from a beam search that
/// is held to the catalogue. The result is a <see cref="GenerativeRecommender"/> by the name <c>s-dpo</c>, which saves and loads as such.
/// </remarks>
public sealed class SdpoTrainer
{
    /// <summary>The name of the recommender.</summary>
    public const string Name = "s-dpo";

    private readonly SdpoOptions _options;
    private readonly MiniOneRecOptions _shared;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults; copied.</param>
    /// <param name="shared">Device and seed.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public SdpoTrainer(SdpoOptions? options = null, MiniOneRecOptions? shared = null)
    {
        _options = (options ?? new SdpoOptions()).Validated().Copy();
        _options.Model.Validated();
        _shared = shared ?? new MiniOneRecOptions();
    }

    /// <summary>Trains a recommender from its language model on.</summary>
    /// <param name="index">The catalogue's semantic IDs.</param>
    /// <param name="items">The items, whose titles give the tokens of a pretrained model's codes their first rows; may be empty.</param>
    /// <param name="train">The users' training sequences.</param>
    /// <param name="validation">Rows by which the best weights are kept in both trainings; may be empty, then the last ones are.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <exception cref="ArgumentException">No training row remains, or there are too few semantic IDs.</exception>
    /// <exception cref="FileNotFoundException">The pretrained model is not there.</exception>
    /// <exception cref="InvalidDataException">A file of the pretrained model is damaged.</exception>
    /// <exception cref="TrainingDivergedException">The loss, the gradient or a weight is no finite number.</exception>
    public async Task<GenerativeRecommender> TrainAsync(
        SemanticIdIndex index, IReadOnlyList<Item> items, IReadOnlyList<UserSequence> train, IReadOnlyList<NextItemExample> validation,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(validation);
        var model = _options.Model;
        var modeling = new ModelingOptions
        {
            PretrainedPath = model.PretrainedPath, HiddenSize = model.HiddenSize, Layers = model.Layers, Heads = model.Heads,
            Recommender = _options.Recommender,
        };
        var recommender = await new GenerativeRecommenderFactory(modeling, _shared) { Pretrained = new Pretrained.PretrainedModels() }
            .CreateAsync(index, items, RivalModels.Count(train), cancellationToken).ConfigureAwait(false);
        try
        {
            var sft = _options.Sft.Copy();
            sft.Seed = _shared.Seed;
            var task = new NextItemTask
            {
                MaxHistory = _options.Recommender.MaxHistoryItems, MaxItems = _options.Recommender.MaxHistoryItems + 1,
            };
            await new SftTrainer([task], sft).TrainAsync(recommender, train, validation, progress, cancellationToken).ConfigureAwait(false);
            return await TrainAsync(recommender, train, validation, progress, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            recommender.Dispose();
            throw;
        }
    }

    /// <summary>Improves a recommender after supervised training by preference alone.</summary>
    /// <param name="recommender">The recommender; trained in place and named <c>s-dpo</c>.</param>
    /// <param name="train">The users' training sequences.</param>
    /// <param name="validation">Rows by which the best weights are kept; may be empty, then the last ones are.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <returns>The recommender.</returns>
    /// <exception cref="ArgumentException">No training row remains, or there are too few semantic IDs.</exception>
    /// <exception cref="TrainingDivergedException">The loss, the gradient or a weight is no finite number.</exception>
    public async Task<GenerativeRecommender> TrainAsync(
        GenerativeRecommender recommender, IReadOnlyList<UserSequence> train, IReadOnlyList<NextItemExample> validation,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recommender);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(validation);
        recommender.Name = Name;
        NextItemExample[] rows =
            [.. new AlignmentData(recommender.Index, train).RowsOrPrefixes(_options.Recommender.MaxHistoryItems)];
        var options = _options.Preference.Copy<PreferenceOptions>();
        options.Seed = _shared.Seed;
        await new PreferenceTrainer(options).TrainAsync(recommender, rows, validation, progress, cancellationToken).ConfigureAwait(false);
        return recommender;
    }
}

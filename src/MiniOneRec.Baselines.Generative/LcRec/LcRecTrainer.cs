using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Trains LC-Rec: a language model with a token for each code, aligned with the items' titles.</summary>
/// <remarks>
/// Zheng et al. (arXiv:2311.09049), section 3.2. Its tasks are next items from semantic IDs (3.2.1), titles to semantic IDs and back
/// (3.2.2), next titles from semantic IDs and next semantic IDs from titles (3.2.3), and, where texts on users' tastes are given, items
/// from intentions and preferences (3.2.3). Departures: the wordings are those of the reference system, one for each task; an answer is one
/// semantic ID of the catalogue, found by a beam search that is held to it; descriptions are not asked for. The result is a
/// <see cref="GenerativeRecommender"/> by the name <c>lc-rec</c>, which saves and loads as such.
/// </remarks>
public sealed class LcRecTrainer
{
    /// <summary>The name of the recommender.</summary>
    public const string Name = "lc-rec";

    private readonly LcRecOptions _options;
    private readonly MiniOneRecOptions _shared;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults; copied.</param>
    /// <param name="shared">Device and seed.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public LcRecTrainer(LcRecOptions? options = null, MiniOneRecOptions? shared = null)
    {
        _options = (options ?? new LcRecOptions()).Validated().Copy();
        _options.Model.Validated();
        _shared = shared ?? new MiniOneRecOptions();
    }

    /// <summary>Trains a recommender.</summary>
    /// <param name="index">The catalogue's semantic IDs.</param>
    /// <param name="items">The items with their titles.</param>
    /// <param name="train">The users' training sequences.</param>
    /// <param name="validation">Rows by which the best weights are kept; may be empty, then the last ones are.</param>
    /// <param name="preferences">Texts on users' tastes, or <see langword="null"/> for none.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <exception cref="ArgumentException">No item has a title, or no training row remains.</exception>
    /// <exception cref="FileNotFoundException">The pretrained model is not there.</exception>
    /// <exception cref="InvalidDataException">A file of the pretrained model is damaged.</exception>
    /// <exception cref="TrainingDivergedException">The loss, the gradient or a weight is no finite number.</exception>
    public async Task<GenerativeRecommender> TrainAsync(
        SemanticIdIndex index, IReadOnlyList<Item> items, IReadOnlyList<UserSequence> train, IReadOnlyList<NextItemExample> validation,
        IReadOnlyList<UserPreference>? preferences = null, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(validation);
        if (!items.Any(item => item.Title.Length > 0 && index.TryGetRow(item.Id, out _)))
        {
            throw new ArgumentException("No item of the index has a title; LC-Rec aligns semantic IDs with titles and needs them.",
                nameof(items));
        }

        var recommender = await RivalModels.WithCodesAsync(
            _options.Model, _shared, index, items, RivalModels.Count(train), _options.Recommender, _options.Category, cancellationToken)
            .ConfigureAwait(false);
        recommender.Name = Name;
        try
        {
            var sft = _options.Sft.Copy();
            sft.Seed = _shared.Seed;
            var tasks = AlignmentTasks
                .Paper(_options.Category, preferences, NextItemMode.Sequence, _options.Recommender.MaxHistoryItems)
                .Where(task => _options.AlignTitles ? task is not TitlesToTitleTask : task is NextItemTask);
            await new SftTrainer(tasks, sft)
                .TrainAsync(recommender, new AlignmentData(index, train) { Items = items }, validation, progress, cancellationToken)
                .ConfigureAwait(false);
            return recommender;
        }
        catch
        {
            recommender.Dispose();
            throw;
        }
    }
}

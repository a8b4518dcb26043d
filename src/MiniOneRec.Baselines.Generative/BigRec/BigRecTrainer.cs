using Microsoft.Extensions.Logging;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Trains <see cref="BigRecRecommender"/>: supervised training on titles, vectors of all titles, and the power of popularity on
/// validation rows.</summary>
public sealed class BigRecTrainer
{
    private const int Cutoff = 10;
    private static readonly double[] Powers = [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 99];

    private readonly BigRecOptions _options;
    private readonly MiniOneRecOptions _shared;
    private readonly ILogger<BigRecTrainer>? _logger;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults; copied.</param>
    /// <param name="shared">Device and seed.</param>
    /// <param name="logger">Receives what loading and training have to say.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public BigRecTrainer(BigRecOptions? options = null, MiniOneRecOptions? shared = null, ILogger<BigRecTrainer>? logger = null)
    {
        _options = (options ?? new BigRecOptions()).Validated().Copy();
        _options.Model.Validated();
        (_shared, _logger) = (shared ?? new MiniOneRecOptions(), logger);
    }

    /// <summary>Trains a recommender.</summary>
    /// <param name="items">The catalogue; items without a title are never recommended.</param>
    /// <param name="train">The users' training sequences.</param>
    /// <param name="validation">Rows that choose the power of popularity; may be empty, then popularity is left out.</param>
    /// <param name="progress">Told after every step.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <exception cref="ArgumentException">No item has a title, or no training row remains.</exception>
    /// <exception cref="FileNotFoundException">The pretrained model is not there.</exception>
    /// <exception cref="InvalidDataException">A file of the pretrained model is damaged.</exception>
    /// <exception cref="TrainingDivergedException">The loss, the gradient or a weight is no finite number.</exception>
    public async Task<BigRecRecommender> TrainAsync(
        IReadOnlyList<Item> items, IReadOnlyList<UserSequence> train, IReadOnlyList<NextItemExample> validation,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(validation);
        var model = await TitleTraining.CreateAsync(_options, _shared, items, train, _logger, cancellationToken).ConfigureAwait(false);
        CausalLanguageModel? embedder = null;
        BigRecRecommender? recommender = null;
        try
        {
            if (_options.Model.PretrainedPath is not null)
            {
                (embedder, _) = await RivalModels.TextAsync(
                    _options.Model, _shared, model.Catalogue.Titles, _options.Category, null, cancellationToken).ConfigureAwait(false);
            }

            var training = await TitleTraining.TrainAsync(model, _options, _shared, train, progress, cancellationToken)
                .ConfigureAwait(false);
            var vectors = await TitleGrounding
                .EmbedAsync(embedder ?? model.Model, model.Tokenizer, model.Catalogue.Titles, cancellationToken).ConfigureAwait(false);
            recommender = new BigRecRecommender(model, embedder, new TitleGrounding(model.Catalogue, vectors), _options)
            {
                Training = training,
            };
            await ChooseAsync(recommender, validation, cancellationToken).ConfigureAwait(false);
            return recommender;
        }
        catch
        {
            if (recommender is null)
            {
                embedder?.Dispose();
                model.Dispose();
            }

            recommender?.Dispose();
            throw;
        }
    }

    private async Task ChooseAsync(
        BigRecRecommender recommender, IReadOnlyList<NextItemExample> validation, CancellationToken cancellationToken)
    {
        int[] drawn = HeldOutRanking.Draw(validation.Count, _options.ValidationRows, new Random(_shared.Seed));
        NextItemExample[] rows = [.. drawn.Select(row => validation[row])];
        if (rows.Length == 0)
        {
            return;
        }

        var ndcg = new Ndcg();
        double[] sums = new double[Powers.Length];
        foreach (var batch in rows.Chunk(_options.BatchSize))
        {
            float[][] distances = await recommender.DistancesAsync([.. batch.Select(row => row.History)], cancellationToken)
                .ConfigureAwait(false);
            for (int p = 0; p < Powers.Length; p++)
            {
                double power = Powers[p];
                sums[p] += batch.Zip(distances, (row, values) => ndcg.Score(recommender.PlaceOf(row.Target, values, power), Cutoff)).Sum();
            }
        }

        int best = Enumerable.Range(0, Powers.Length).MaxBy(p => sums[p]);                  // the first of equals
        recommender.PopularityPower = Powers[best];
    }
}

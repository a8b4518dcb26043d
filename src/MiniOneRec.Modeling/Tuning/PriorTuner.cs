using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <summary>Chooses the shares of codes, dense head and priors, the penalties on items of the history and the bonus of new items, by
/// validation rows.</summary>
/// <remarks>
/// The rows are decoded once, by all sources in equal shares; every mixture is then a ranking of the same candidates. The shares of a
/// linear mean are searched, those of a geometric mean are fitted by maximum likelihood; the geometric mean serves where it is better by
/// more than a standard error. A source that does not help gets the share 0, and on the validation rows the result is not below any source
/// alone. What helps the first places may harm the last ones: the product of hit rate and NDCG decides.
/// </remarks>
public sealed class PriorTuner
{
    private const int Batch = 64;
    private const double Raise = 1;                             // nats: candidates hold the new items that a usual bonus ranks high
    private readonly PriorTunerOptions _options;

    /// <summary>Makes a tuner.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults; read once.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public PriorTuner(PriorTunerOptions? options = null) =>
        _options = OptionsValidation.Validated(options ?? new PriorTunerOptions(), new PriorTunerOptionsValidator());

    /// <summary>Chooses a mixture; the recommender serves on as it did until <see cref="TunedMixture.Apply"/>.</summary>
    /// <param name="recommender">The recommender; its model and catalogue are used.</param>
    /// <param name="priors">The scorers that may get a share, with scale and evidence; their weights are not read.</param>
    /// <param name="validation">Rows that are in no training sequence; those with an unknown target count as misses.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellationToken">Looked at between batches.</param>
    /// <exception cref="ArgumentException">There are no rows.</exception>
    /// <exception cref="InvalidOperationException">The model is being trained.</exception>
    public Task<TunedMixture> TuneAsync(
        GenerativeRecommender recommender, IReadOnlyList<PriorShare> priors, IReadOnlyList<NextItemExample> validation,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recommender);
        ArgumentNullException.ThrowIfNull(priors);
        ArgumentNullException.ThrowIfNull(validation);
        if (validation.Count == 0)
        {
            throw new ArgumentException("There are no validation rows to tune by.", nameof(validation));
        }

        var rows = validation.ToArray();
        if (rows.Length > _options.MaxExamples)
        {
            new Random(_options.Seed).Shuffle(rows);
            rows = rows[.._options.MaxExamples];
        }

        return TorchThread.RunAsync("MiniOneRec tune", () => Tune(recommender, priors, rows, progress, cancellationToken));
    }

    private TunedMixture Tune(
        GenerativeRecommender recommender, IReadOnlyList<PriorShare> priors, NextItemExample[] rows, IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        bool dense = recommender.Model.Content is { HasHead: true };
        var options = recommender.Options;
        bool news = MixtureSources.NewTargets(recommender, rows) >= _options.LeastNewTargets;
        var sources = new MixtureSources(recommender, priors, _options.Candidates, news ? Raise : options.NewItemBonus);
        var table = new MixtureTable(sources.Count, _options.Cutoff, GeometricMean.FloorOf(recommender.Index.Count));
        int done = 0;
        foreach (var chunk in rows.Chunk(Batch))
        {
            cancellationToken.ThrowIfCancellationRequested();
            sources.AddTo(table, chunk, cancellationToken);
            done += chunk.Length;
            progress?.Report(new TrainingProgress("tune", done, rows.Length));
        }

        double[] now = new double[sources.Count];
        Array.Fill(now, 1.0 / now.Length);
        var best = new MixtureSearch(table, _options, news).Run(
            new Mixture(now, options.HistoryPenalty, options.LastItemPenalty ?? options.HistoryPenalty, NewItemBonus: options.NewItemBonus),
            _options.TryGeometric && priors.All(prior => prior.Evidence == 0));
        var (hits, ndcg) = table.Measure(best);
        int first = dense ? 2 : 1;
        return new TunedMixture
        {
            CodeWeight = best.Shares[0],
            DenseWeight = dense ? best.Shares[1] : 0,
            Priors =
            [.. priors.Select((prior, k) => prior with { Weight = Math.Min(1, best.Shares[first + k]) }).Where(prior => prior.Weight > 0)],
            HistoryPenalty = best.EarlierPenalty,
            LastItemPenalty = best.LastPenalty,
            NewItemBonus = best.NewItemBonus,
            Fusion = best.Fusion,
            HitRate = hits,
            Ndcg = ndcg,
        };
    }
}

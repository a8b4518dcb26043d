using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Evaluation;

/// <summary>Measures how well any <see cref="IRecommender"/> puts the next item to the front.</summary>
/// <remarks>
/// Two figures stand side by side: the strict item level, where only the target itself is a hit, and the SID level, where the
/// ranking is reduced to its distinct semantic IDs and a hit needs only the target's. Items of the history are not removed.
/// </remarks>
public sealed class RecommendationEvaluator
{
    private readonly IRankingMetric[] _metrics;
    private readonly EvaluationOptions _options;
    private readonly ILogger _logger;

    /// <summary>Makes an evaluator with HR, NDCG and MRR.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">The logger.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public RecommendationEvaluator(EvaluationOptions? options = null, ILogger<RecommendationEvaluator>? logger = null)
        : this(RankingMetrics.Default, options, logger)
    {
    }

    /// <summary>Makes an evaluator with given metrics.</summary>
    /// <param name="metrics">The metrics, with distinct names; at least one.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">The logger.</param>
    /// <exception cref="ArgumentException">There is no metric, or two have one name.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public RecommendationEvaluator(IEnumerable<IRankingMetric> metrics, EvaluationOptions? options = null,
        ILogger<RecommendationEvaluator>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        _metrics = [.. metrics];
        if (_metrics.Length == 0 || _metrics.DistinctBy(metric => metric.Name).Count() != _metrics.Length)
        {
            throw new ArgumentException(
                $"At least one metric is needed and each name once, not [{string.Join(", ", _metrics.Select(metric => metric.Name))}].",
                nameof(metrics));
        }

        _options = OptionsValidation.Validated(options ?? new EvaluationOptions(), new EvaluationOptionsValidator(),
            new EvaluationCutoffsValidator());
        _logger = logger ?? (ILogger)NullLogger.Instance;
    }

    /// <summary>Gets the factory of the meter, or <see langword="null"/> for a meter that ends with each evaluation.</summary>
    public IMeterFactory? Meters { get; init; }

    /// <summary>Evaluates a recommender by its items alone.</summary>
    /// <param name="recommender">The recommender.</param>
    /// <param name="examples">Histories and what followed.</param>
    /// <param name="cancellationToken">Looked at once per batch.</param>
    public Task<EvaluationReport> EvaluateAsync(
        IRecommender recommender, IReadOnlyList<NextItemExample> examples, CancellationToken cancellationToken) =>
        EvaluateAsync(recommender, examples, catalog: null, progress: null, cancellationToken);

    /// <summary>Evaluates a recommender.</summary>
    /// <param name="recommender">The recommender.</param>
    /// <param name="examples">Histories and what followed; at least one.</param>
    /// <param name="catalog">
    /// The catalogue, for SID level, invalid items, coverage and popularity slices, or <see langword="null"/>.
    /// </param>
    /// <param name="progress">Told after each batch.</param>
    /// <param name="cancellationToken">Looked at once per batch.</param>
    /// <exception cref="ArgumentException">There are no examples.</exception>
    /// <exception cref="InvalidOperationException">The recommender answers another number of requests than it was asked.</exception>
    public async Task<EvaluationReport> EvaluateAsync(
        IRecommender recommender,
        IReadOnlyList<NextItemExample> examples,
        EvaluationCatalog? catalog = null,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recommender);
        ArgumentNullException.ThrowIfNull(examples);
        if (examples.Count == 0)
        {
            throw new ArgumentException("There are no examples to evaluate.", nameof(examples));
        }

        using var telemetry = new Telemetry(Meters);
        examples = Draw(examples);
        Log.EvaluationStarted(_logger, recommender.Name, examples.Count);
        var tally = new RankingTally(catalog, _options.Cutoffs, examples.Count);
        var elapsed = TimeSpan.Zero;
        for (int start = 0; start < examples.Count; start += _options.BatchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var batch = examples.Skip(start).Take(_options.BatchSize).ToArray();
            var requests = Array.ConvertAll(batch, tally.Ranking.RequestFor);
            long began = Stopwatch.GetTimestamp();
            var results = await recommender.RecommendAsync(requests, cancellationToken).ConfigureAwait(false);
            var took = Stopwatch.GetElapsedTime(began);
            elapsed += took;
            if (results.Count != batch.Length)
            {
                throw new InvalidOperationException(
                    $"Recommender '{recommender.Name}' gave {results.Count} results for {batch.Length} requests.");
            }

            for (int i = 0; i < batch.Length; i++)
            {
                tally.Add(batch[i], results[i]);
            }

            telemetry.Examples.Add(batch.Length);
            telemetry.BatchDuration.Record(took.TotalSeconds);
            progress?.Report(new TrainingProgress("evaluation", start + batch.Length, examples.Count));
        }

        var report = Summarize(recommender.Name, tally, elapsed, cancellationToken);
        Log.EvaluationFinished(_logger, report.Name, report.Examples, report.Elapsed.TotalSeconds);
        if (report.InvalidPredictions > 0)
        {
            Log.InvalidPredictions(_logger, report.Name, report.InvalidPredictions);
        }

        return report;
    }

    private IReadOnlyList<NextItemExample> Draw(IReadOnlyList<NextItemExample> examples) => _options.MaxExamples is { } limit
        && limit < examples.Count
        ? [.. HeldOutRanking.Draw(examples.Count, limit, new Random(_options.Seed)).Order().Select(i => examples[i])]
        : examples;

    private EvaluationReport Summarize(string name, RankingTally tally, TimeSpan elapsed, CancellationToken cancellationToken)
    {
        var ranks = tally.Ranks;
        var bootstrap = _options.BootstrapSamples == 0 ? null : new Bootstrap(ranks.Select(example => example.UserId));
        return new EvaluationReport
        {
            Name = name,
            Examples = ranks.Count,
            Cutoffs = [.. _options.Cutoffs],
            Item = Table([.. ranks.Select(example => example.ItemRank)], bootstrap, cancellationToken),
            Sid = tally.Catalog?.Index is null ? null : Table([.. ranks.Select(example => example.SidRank)], bootstrap, cancellationToken),
            Coverage = tally.Coverage(),
            Slices = Slices(tally),
            WithoutTopTarget = WithoutTopTarget(ranks),
            Cold = tally.Catalog?.Slices is { } slices ? Cold(ranks, slices) : null,
            InvalidPredictions = tally.InvalidPredictions,
            AmbiguousPredictions = tally.AmbiguousPredictions,
            AmbiguousTargets = tally.AmbiguousTargets,
            SkippedHistoryItems = tally.SkippedHistoryItems,
            Shortfall = tally.Shortfall,
            Elapsed = elapsed,
            Ranks = _options.KeepRanks ? ranks : [],
        };
    }

    private SliceReport[] Slices(RankingTally tally) => tally.Catalog?.Slices is not { } slices ? [] :
    [
        .. PopularitySlices.Names.Select((name, slice) =>
        {
            int[] ranks = [.. tally.Ranks.Where(example => slices.SliceOf(example.Target) == slice).Select(example => example.ItemRank)];
            return new SliceReport(name, slices.ItemCounts[slice], ranks.Length, Table(ranks, null, CancellationToken.None));
        }),
    ];

    private TopTargetReport? WithoutTopTarget(IReadOnlyList<RankedExample> ranks)
    {
        var top = ranks.GroupBy(example => example.Target, StringComparer.Ordinal)
            .OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal).First();
        int[] others = [.. ranks.Where(example => example.Target != top.Key).Select(example => example.ItemRank)];
        return others.Length == 0 ? null
            : new TopTargetReport(top.Key, top.Count(), others.Length, Table(others, null, CancellationToken.None));
    }

    private SliceReport Cold(IReadOnlyList<RankedExample> ranks, PopularitySlices slices)
    {
        int[] cold = [.. ranks.Where(example => slices.IsCold(example.Target)).Select(example => example.ItemRank)];
        return new SliceReport("cold", slices.ColdItemCount, cold.Length, Table(cold, null, CancellationToken.None));
    }

    private MetricTable Table(int[] ranks, Bootstrap? bootstrap, CancellationToken cancellationToken)
    {
        var columns = _metrics.SelectMany(metric =>
            _options.Cutoffs.Select(cutoff => (Key: RankingMetrics.Key(metric.Name, cutoff), metric, cutoff))).ToArray();
        var values = columns.ToDictionary(column => column.Key, column => RankingMetrics.Mean(column.metric, ranks, column.cutoff));
        if (bootstrap is null)
        {
            return new MetricTable(values);
        }

        // A metric depends on the rank alone: kind 0 is a miss, kind r + 1 is rank r.
        int kinds = _options.MaxCutoff + 1;
        var statistics = columns.Select(column =>
            Enumerable.Range(-1, kinds).Select(rank => column.metric.Score(rank, column.cutoff)).ToArray()).ToArray();
        double[][] samples = bootstrap.Draw(
            Array.ConvertAll(ranks, rank => rank + 1), kinds, statistics, _options.BootstrapSamples, new Random(_options.Seed),
            cancellationToken);
        return new MetricTable(values,
            columns.Index().ToDictionary(c => c.Item.Key, c => Bootstrap.Percentile(samples[c.Index], _options.Confidence)));
    }
}

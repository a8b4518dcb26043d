namespace MiniOneRec.Evaluation;

/// <summary>Collects ranks and counts over the results of one evaluation.</summary>
internal sealed class RankingTally
{
    private readonly int[] _cutoffs;
    private readonly int _maxCutoff;
    private readonly List<RankedExample> _ranks;
    private readonly Dictionary<string, int> _bestPlace = new(StringComparer.Ordinal);      // of each recommended catalogue item

    public RankingTally(EvaluationCatalog? catalog, IReadOnlyList<int> cutoffs, int examples)
    {
        Catalog = catalog;
        _cutoffs = [.. cutoffs];
        _maxCutoff = cutoffs.Max();
        _ranks = new List<RankedExample>(examples);

        Ranking = new HeldOutRanking(_maxCutoff, catalog?.Index, catalog?.Items.Count);
    }

    public EvaluationCatalog? Catalog { get; }

    /// <summary>Gets the measure, which also makes the requests.</summary>
    public HeldOutRanking Ranking { get; }

    public IReadOnlyList<RankedExample> Ranks => _ranks;

    public long InvalidPredictions { get; private set; }

    public long AmbiguousPredictions { get; private set; }

    public int AmbiguousTargets { get; private set; }

    public long SkippedHistoryItems { get; private set; }

    public long Shortfall { get; private set; }

    public void Add(NextItemExample example, RecommendationResult result)
    {
        SkippedHistoryItems += result.SkippedHistoryItems;
        Shortfall += Math.Max(0, Ranking.RequestCount - result.Items.Count);

        for (int place = 0; place < Math.Min(_maxCutoff, result.Items.Count); place++)
        {
            CountPrediction(result.Items[place].ItemId, place);
        }

        if (Catalog?.Index is { } index && index.TryGetSemanticId(example.Target, out var target) && index.RowsOf(target).Count > 1)
        {
            AmbiguousTargets++;
        }

        _ranks.Add(Ranking.Rank(example, result.Items));
    }

    /// <summary>The share of the catalogue that was recommended, by cutoff.</summary>
    public IReadOnlyDictionary<int, double> Coverage() => Catalog is null
        ? new Dictionary<int, double>()
        : _cutoffs.ToDictionary(cutoff => cutoff, cutoff => _bestPlace.Values.Count(place => place < cutoff) / (double)Catalog.Items.Count);

    private void CountPrediction(string item, int place)
    {
        if (Catalog?.Contains(item) == false)
        {
            InvalidPredictions++;
            return;
        }

        _bestPlace[item] = Math.Min(place, _bestPlace.GetValueOrDefault(item, int.MaxValue));
        if (Catalog?.Index is { } index && index.TryGetSemanticId(item, out var id) && index.RowsOf(id).Count > 1)
        {
            AmbiguousPredictions++;
        }
    }
}

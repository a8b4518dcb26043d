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

        // K distinct semantic IDs can take more than K items where some are shared.
        int extra = catalog?.Index is { } index ? Math.Min(_maxCutoff, index.Count - index.DistinctCount) : 0;
        RequestCount = Math.Min(_maxCutoff + extra, catalog?.Items.Count ?? int.MaxValue);
    }

    public EvaluationCatalog? Catalog { get; }

    /// <summary>Gets how many items to ask for.</summary>
    public int RequestCount { get; }

    public IReadOnlyList<RankedExample> Ranks => _ranks;

    public long InvalidPredictions { get; private set; }

    public long AmbiguousPredictions { get; private set; }

    public int AmbiguousTargets { get; private set; }

    public long SkippedHistoryItems { get; private set; }

    public long Shortfall { get; private set; }

    public void Add(NextItemExample example, RecommendationResult result)
    {
        SkippedHistoryItems += result.SkippedHistoryItems;
        Shortfall += Math.Max(0, RequestCount - result.Items.Count);

        int itemRank = -1;
        for (int place = 0; place < Math.Min(_maxCutoff, result.Items.Count); place++)
        {
            string item = result.Items[place].ItemId;
            if (itemRank < 0 && item == example.Target)
            {
                itemRank = place;
            }

            CountPrediction(item, place);
        }

        var index = Catalog?.Index;
        SemanticId? target = null;
        if (index?.TryGetSemanticId(example.Target, out target) == true && index.RowsOf(target!).Count > 1)
        {
            AmbiguousTargets++;
        }

        _ranks.Add(new RankedExample(example.UserId, example.Target, itemRank, target is null ? -1 : SidRank(index!, target, result.Items)));
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

    // The place of the target among the distinct semantic IDs; an item without one takes a place of its own.
    private int SidRank(SemanticIdIndex index, SemanticId target, IReadOnlyList<Recommendation> items)
    {
        var seen = new HashSet<SemanticId>();
        int place = 0;
        for (int i = 0; i < items.Count && place < _maxCutoff; i++)
        {
            if (!index.TryGetSemanticId(items[i].ItemId, out var id))
            {
                place++;
            }
            else if (id == target)
            {
                return place;
            }
            else if (seen.Add(id))
            {
                place++;
            }
        }

        return -1;
    }
}

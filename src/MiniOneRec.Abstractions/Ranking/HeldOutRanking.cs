namespace MiniOneRec.Evaluation;

/// <summary>Ranks the targets of held-out rows. Trainers, baselines and the evaluator share this measure, so their figures can be
/// compared.</summary>
/// <remarks>
/// <para>
/// There are two levels. At the strict item level (<c>NDCG@10</c>) only the target itself is a hit, and items that share a semantic ID take
/// one place each. At the semantic-ID level (<c>sid.NDCG@10</c>) the list is reduced to its distinct semantic IDs, and the target's
/// semantic ID is the hit.
/// </para>
/// <para>A target outside the catalogue is a miss at both levels and counts in the denominator. Items of the history are ranked like all
/// others.</para>
/// <para>Immutable and safe for concurrent use.</para>
/// </remarks>
public sealed class HeldOutRanking
{
    private readonly int _maxCutoff;
    private readonly SemanticIdIndex? _index;

    /// <summary>Makes a measure.</summary>
    /// <param name="maxCutoff">The largest K; a target at a later place is a miss.</param>
    /// <param name="index">The semantic IDs, or <see langword="null"/> for the strict item level alone.</param>
    /// <param name="catalogueSize">The number of items that can be recommended; by default the items of the index, or no limit without
    /// one.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is less than 1.</exception>
    public HeldOutRanking(int maxCutoff, SemanticIdIndex? index = null, int? catalogueSize = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxCutoff, 1);
        int items = catalogueSize ?? index?.Count ?? int.MaxValue;
        ArgumentOutOfRangeException.ThrowIfLessThan(items, 1, nameof(catalogueSize));
        (_maxCutoff, _index) = (maxCutoff, index);

        // K distinct semantic IDs can take more than K items where some are shared.
        int extra = index is null ? 0 : Math.Min(maxCutoff, index.Count - index.DistinctCount);
        RequestCount = Math.Min(maxCutoff + extra, items);
    }

    /// <summary>Gets how many items a recommender is asked for, so that both levels have K places where the catalogue does.</summary>
    public int RequestCount { get; }

    /// <summary>Makes the request for a row.</summary>
    /// <param name="row">The row.</param>
    public RecommendationRequest RequestFor(NextItemExample row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return new RecommendationRequest
        {
            History = row.History, HistoryTimestamps = row.HistoryTimestamps, UserId = row.UserId, Count = RequestCount,
        };
    }

    /// <summary>Finds the target of a row in a list.</summary>
    /// <param name="row">The row.</param>
    /// <param name="items">What was recommended for it, best first.</param>
    public RankedExample Rank(NextItemExample row, IReadOnlyList<Recommendation> items)
    {
        ArgumentNullException.ThrowIfNull(row);
        ArgumentNullException.ThrowIfNull(items);
        int itemRank = -1;
        for (int place = 0; place < Math.Min(_maxCutoff, items.Count) && itemRank < 0; place++)
        {
            itemRank = items[place].ItemId == row.Target ? place : -1;
        }

        int sidRank = _index is not null && _index.TryGetSemanticId(row.Target, out var target) ? SidRank(_index, target, items) : -1;
        return new RankedExample(row.UserId, row.Target, itemRank, sidRank);
    }

    /// <summary>Averages a metric at both levels; the semantic-ID level is left out without an index.</summary>
    /// <param name="figures">Receives the means by their names, for example <c>NDCG@10</c> and <c>sid.NDCG@10</c>.</param>
    /// <param name="ranks">The ranks of all rows, in the order of the rows: sums in another order may differ in their last bit.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="cutoffs">Each K, at most the largest one of the measure.</param>
    public void AddFigures(
        IDictionary<string, double> figures, IReadOnlyCollection<RankedExample> ranks, IRankingMetric metric,
        params ReadOnlySpan<int> cutoffs)
    {
        ArgumentNullException.ThrowIfNull(figures);
        ArgumentNullException.ThrowIfNull(ranks);
        ArgumentNullException.ThrowIfNull(metric);
        int[] items = [.. ranks.Select(rank => rank.ItemRank)], semanticIds = [.. ranks.Select(rank => rank.SidRank)];
        foreach (int cutoff in cutoffs)
        {
            figures[RankingMetrics.Key(metric.Name, cutoff)] = RankingMetrics.Mean(metric, items, cutoff);
            if (_index is not null)
            {
                figures[RankingMetrics.SidKey(metric.Name, cutoff)] = RankingMetrics.Mean(metric, semanticIds, cutoff);
            }
        }
    }

    /// <summary>Draws rows without replacement.</summary>
    /// <param name="count">The number of rows that there are.</param>
    /// <param name="most">The most rows to draw.</param>
    /// <param name="random">Decides which; not used where all rows are taken.</param>
    /// <returns>Row numbers in the order in which they were drawn; all of them in ascending order where <paramref name="most"/> is
    /// enough.</returns>
    public static int[] Draw(int count, int most, Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        int[] rows = [.. Enumerable.Range(0, count)];
        if (most >= count)
        {
            return rows;
        }

        random.Shuffle(rows);
        return rows[..most];
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

using System.Globalization;

namespace MiniOneRec.Evaluation;

/// <summary>The ranking metrics of the library, and their names in reports and progress.</summary>
public static class RankingMetrics
{
    /// <summary>Gets HR, NDCG and MRR.</summary>
    public static IReadOnlyList<IRankingMetric> Default { get; } = [new HitRate(), new Ndcg(), new Mrr()];

    /// <summary>Gets the name of a metric at the strict item level, for example <c>NDCG@10</c>.</summary>
    /// <param name="metric">The metric's name.</param>
    /// <param name="cutoff">K.</param>
    public static string Key(string metric, int cutoff) => string.Create(CultureInfo.InvariantCulture, $"{metric}@{cutoff}");

    /// <summary>Gets the name of a metric at the semantic-ID level, for example <c>sid.NDCG@10</c>.</summary>
    /// <param name="metric">The metric's name.</param>
    /// <param name="cutoff">K.</param>
    public static string SidKey(string metric, int cutoff) => "sid." + Key(metric, cutoff);

    /// <summary>Averages a metric over examples.</summary>
    /// <param name="metric">The metric.</param>
    /// <param name="ranks">The targets' places, zero-based, or -1.</param>
    /// <param name="cutoff">K.</param>
    /// <returns>The mean, 0 where there are no examples.</returns>
    public static double Mean(IRankingMetric metric, IReadOnlyCollection<int> ranks, int cutoff)
    {
        ArgumentNullException.ThrowIfNull(metric);
        ArgumentNullException.ThrowIfNull(ranks);
        return ranks.Count == 0 ? 0 : ranks.Sum(rank => metric.Score(rank, cutoff)) / ranks.Count;
    }
}

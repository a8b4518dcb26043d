namespace MiniOneRec.Evaluation;

/// <summary>Scores the place of the one relevant item in a ranking.</summary>
/// <remarks>Implementations are stateless and safe for concurrent use.</remarks>
public interface IRankingMetric
{
    /// <summary>Gets the name, for example <c>NDCG</c>; reports write it as <c>NDCG@10</c>.</summary>
    string Name { get; }

    /// <summary>Scores one example.</summary>
    /// <param name="rank">The target's place, zero-based, or -1 where the ranking lacks it.</param>
    /// <param name="cutoff">K: only the first K places count.</param>
    /// <returns>0 to 1; higher is better.</returns>
    double Score(int rank, int cutoff);
}

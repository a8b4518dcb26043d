namespace MiniOneRec.Evaluation;

/// <summary>NDCG@K with one relevant item: <c>1 / log₂(rank + 2)</c> where the target is among the first K, else 0.</summary>
/// <remarks>Järvelin and Kekäläinen (2002); the ideal gain is 1 because there is one relevant item.</remarks>
public sealed class Ndcg : IRankingMetric
{
    /// <inheritdoc/>
    public string Name => "NDCG";

    /// <inheritdoc/>
    public double Score(int rank, int cutoff) => rank >= 0 && rank < cutoff ? 1 / Math.Log2(rank + 2) : 0;
}

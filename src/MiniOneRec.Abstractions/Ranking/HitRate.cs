namespace MiniOneRec.Evaluation;

/// <summary>HR@K: 1 where the target is among the first K, else 0; with one relevant item the same as recall.</summary>
public sealed class HitRate : IRankingMetric
{
    /// <inheritdoc/>
    public string Name => "HR";

    /// <inheritdoc/>
    public double Score(int rank, int cutoff) => rank >= 0 && rank < cutoff ? 1 : 0;
}

namespace MiniOneRec.Evaluation;

/// <summary>MRR@K: <c>1 / (rank + 1)</c> where the target is among the first K, else 0.</summary>
public sealed class Mrr : IRankingMetric
{
    /// <inheritdoc/>
    public string Name => "MRR";

    /// <inheritdoc/>
    public double Score(int rank, int cutoff) => rank >= 0 && rank < cutoff ? 1.0 / (rank + 1) : 0;
}

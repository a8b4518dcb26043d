namespace MiniOneRec.Reinforcement;

/// <summary>What a validation found.</summary>
/// <param name="Ranking">Hit rates and NDCG at both levels, by name.</param>
/// <param name="Values">The figure of each row whose target is in the catalogue, by which weights are kept.</param>
/// <param name="Count">The number of all rows; those that are not in <paramref name="Values"/> have the value 0.</param>
internal sealed record HeldOutFigures(IReadOnlyDictionary<string, double> Ranking, IReadOnlyList<double> Values, int Count)
{
    /// <summary>Gets NDCG@10, strict item level.</summary>
    public double Ndcg10 => Ranking["NDCG@10"];

    /// <summary>Gets the mean rewards of what is recommended, the weighted sum under the empty name; empty where rewards do not
    /// choose.</summary>
    public IReadOnlyDictionary<string, double> Rewards { get; init; } = new Dictionary<string, double>();

    /// <summary>Gets the figure by which weights are kept.</summary>
    public required double Value { get; init; }

    /// <summary>Compares with the same rows' earlier values.</summary>
    /// <returns>The mean difference, and its standard error.</returns>
    public (double Mean, double Error) Over(IReadOnlyList<double> earlier)
    {
        double sum = 0, squares = 0;
        foreach (var (now, before) in Values.Zip(earlier))
        {
            sum += now - before;
            squares += (now - before) * (now - before);
        }

        double mean = sum / Count;
        return (mean, Math.Sqrt(Math.Max(0, squares / Count - mean * mean) / Math.Max(1, Count - 1)));
    }
}

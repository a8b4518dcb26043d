namespace MiniOneRec.Reinforcement;

/// <summary>What a validation found.</summary>
/// <param name="Hr1">HR@1.</param>
/// <param name="Hr10">HR@10.</param>
/// <param name="Gains">The discounted gain at 10 of each row whose target is in the catalogue.</param>
/// <param name="Count">All rows; those not in <paramref name="Gains"/> have none.</param>
internal sealed record HeldOutFigures(double Hr1, double Hr10, IReadOnlyList<double> Gains, int Count)
{
    /// <summary>Gets NDCG@10.</summary>
    public double Ndcg10 { get; } = Gains.Sum() / Count;

    /// <summary>Gets the figure of each row by which weights are kept; its gain unless another one was chosen.</summary>
    public IReadOnlyList<double> Values { get; init; } = Gains;

    /// <summary>Gets the mean rewards of what is recommended, the weighted sum under the empty name; empty where rewards do not choose.</summary>
    public IReadOnlyDictionary<string, double> Rewards { get; init; } = new Dictionary<string, double>();

    /// <summary>Gets the figure by which weights are kept.</summary>
    public double Value => Values.Sum() / Count;

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

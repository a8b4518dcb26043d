namespace MiniOneRec.Alignment;

/// <summary>The rules of <see cref="LoraOptions"/> that attributes cannot express.</summary>
internal static class LoraOptionsRules
{
    private const int MaxRank = 4_096;

    /// <summary>Finds what is wrong, one sentence each, which begins with the option's name.</summary>
    public static IEnumerable<string> FailuresOf(LoraOptions options)
    {
        foreach (var (name, rank) in options.RankPattern ?? new Dictionary<string, int>())
        {
            if (rank is < 1 or > MaxRank)
            {
                yield return $"RankPattern['{name}'] is {rank}; expected 1 to {MaxRank}.";
            }
        }

        foreach (var (name, alpha) in options.AlphaPattern ?? new Dictionary<string, double>())
        {
            if (alpha is not (>= 1e-6 and <= 1e6))
            {
                yield return $"AlphaPattern['{name}'] is {alpha}; expected 1e-6 to 1e6.";
            }
        }

        foreach (int layer in options.Layers?.Where(layer => layer < 0) ?? [])
        {
            yield return $"Layers holds {layer}; layers count from 0.";
        }
    }
}

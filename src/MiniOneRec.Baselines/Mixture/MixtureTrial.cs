namespace MiniOneRec.Baselines;

/// <summary>One setting of a mixture and what it reaches.</summary>
/// <param name="Units">The weights in units of 1 / <see cref="Whole"/>.</param>
/// <param name="Form">The form.</param>
/// <param name="HistoryFactor">The factor of history items.</param>
internal sealed record Trial(int[] Units, MixtureForm Form, double HistoryFactor)
{
    public const int Whole = 20;

    public double HitRate { get; init; }

    public double Ndcg { get; init; }

    public double Value => HitRate * Ndcg;
}

/// <summary>The items that stand for the catalogue in one validation row: the best of each part, and the target.</summary>
/// <param name="Parts">The parts' probabilities of these items.</param>
/// <param name="InHistory">Which of them the history holds.</param>
/// <param name="Target">The target's place among them, or −1 where the catalogue lacks it.</param>
internal sealed record MixturePool(ReadOnlyMemory<float>[] Parts, bool[] InHistory, int Target)
{
    public static MixturePool Of(float[][] probabilities, int row, NextItemExample example, Dictionary<string, int> known, int candidates)
    {
        int count = known.Count;
        int target = known.GetValueOrDefault(example.Target, -1);
        var kept = new SortedSet<int>(target < 0 ? [] : [target]);
        foreach (float[] part in probabilities)
        {
            float[] keys = part.AsSpan(row * count, count).ToArray();
            int[] items = [.. Enumerable.Range(0, count)];
            Array.Sort(keys, items);
            kept.UnionWith(items.AsSpan(Math.Max(0, count - candidates)).ToArray());
        }

        int[] pool = [.. kept];
        var history = example.History.Select(item => known.GetValueOrDefault(item, -1)).ToHashSet();
        return new MixturePool(
            [.. probabilities.Select(part => (ReadOnlyMemory<float>)Array.ConvertAll(pool, item => part[row * count + item]))],
            Array.ConvertAll(pool, history.Contains),
            Array.IndexOf(pool, target));
    }
}

/// <summary>Ranks the targets of pools under one setting.</summary>
internal static class MixtureTrial
{
    public static Trial Run(MixturePool[] pools, int count, Trial trial, int cutoff)
    {
        double[] weights = [.. trial.Units.Select(unit => unit / (double)Trial.Whole)];
        double hits = 0, gain = 0;
        object gate = new();
        Parallel.ForEach(
            System.Collections.Concurrent.Partitioner.Create(0, pools.Length),
            range =>
            {
                double ownHits = 0, ownGain = 0;
                float[] scores = [];
                for (int row = range.Item1; row < range.Item2; row++)
                {
                    int rank = Rank(pools[row], weights, trial, count, ref scores);
                    if (rank < cutoff)
                    {
                        ownHits++;
                        ownGain += 1 / Math.Log2(rank + 2);
                    }
                }

                lock (gate)
                {
                    (hits, gain) = (hits + ownHits, gain + ownGain);
                }
            });
        return trial with { HitRate = hits / pools.Length, Ndcg = gain / pools.Length };
    }

    /// <summary>The target's place; of equal items the earlier one in the catalogue comes first.</summary>
    private static int Rank(MixturePool pool, double[] weights, Trial trial, int count, ref float[] buffer)
    {
        if (pool.Target < 0)
        {
            return int.MaxValue;
        }

        if (buffer.Length < pool.InHistory.Length)
        {
            buffer = new float[2 * pool.InHistory.Length];
        }

        var scores = buffer.AsSpan(0, pool.InHistory.Length);
        MixtureRows.Mix(pool.Parts, weights, trial.Form, count, scores);
        for (int i = 0; i < scores.Length; i++)
        {
            scores[i] = pool.InHistory[i] ? scores[i] * (float)trial.HistoryFactor : scores[i];
        }

        int rank = 0;
        for (int i = 0; i < scores.Length; i++)
        {
            rank += scores[i] > scores[pool.Target] || (scores[i] == scores[pool.Target] && i < pool.Target) ? 1 : 0;
        }

        return rank;
    }
}

namespace MiniOneRec.Modeling;

/// <summary>Climbs to the mixture with the greatest product of hit rate and NDCG.</summary>
/// <remarks>
/// From each source alone, from all in equal shares and from where the recommender stands, a share moves from one source to another as long
/// as that helps, in
/// steps that halve; penalties move along a list. Of two ends the better counts. In the end, sources that add next to nothing lose their
/// share. The
/// result is never below any source alone with the same penalties.
/// </remarks>
/// <param name="table">What is ranked.</param>
/// <param name="options">Steps and tolerance.</param>
internal sealed class MixtureSearch(MixtureTable table, PriorTunerOptions options)
{
    private static readonly double[] Penalties = [0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5];

    /// <summary>Searches.</summary>
    /// <param name="start">Where the recommender stands.</param>
    public (Mixture Best, double Value) Run(Mixture start)
    {
        int sources = start.Shares.Length;
        var starts = Enumerable.Range(0, sources).Select(k => Alone(start, k)).Append(start with { Shares = Even(sources) }).Append(start);
        var best = starts.Select(from => Climb(from)).MaxBy(end => end.Value);
        return Climb(Prune(best).Mixture, best.Value * (1 - options.LeastGain * sources));
    }

    private static double[] Even(int sources) => [.. Enumerable.Repeat(1.0 / sources, sources)];

    private static Mixture Alone(Mixture start, int source) =>
        start with { Shares = [.. start.Shares.Select((_, k) => k == source ? 1.0 : 0.0)] };

    private double ValueOf(Mixture mixture)
    {
        var (hits, ndcg) = table.Measure(mixture);
        return hits * ndcg;
    }

    private (Mixture Mixture, double Value) Climb(Mixture from) => Climb(from, ValueOf(from));

    // Sources without a share keep none when a pruned mixture is climbed again: only the others trade.
    private (Mixture Mixture, double Value) Climb(Mixture from, double floor)
    {
        bool pruned = floor < ValueOf(from) && from.Shares.Contains(0);
        var best = (Mixture: from, Value: ValueOf(from));
        for (double step = 0.2; step >= options.SmallestStep - 1e-12; step /= 2)
        {
            for (bool moved = true; moved;)
            {
                moved = false;
                foreach (var next in Neighbours(best.Mixture, step).Where(next => !pruned || Zeros(from).All(k => next.Shares[k] == 0)))
                {
                    double value = ValueOf(next);
                    if (value > best.Value)
                    {
                        (best, moved) = ((next, value), true);
                    }
                }
            }
        }

        return best;
    }

    private static IEnumerable<int> Zeros(Mixture mixture) => Enumerable.Range(0, mixture.Shares.Length).Where(k => mixture.Shares[k] == 0);

    private IEnumerable<Mixture> Neighbours(Mixture mixture, double step)
    {
        for (int from = 0; from < mixture.Shares.Length; from++)
        {
            for (int to = 0; to < mixture.Shares.Length; to++)
            {
                double moved = Math.Min(step, mixture.Shares[from]);
                if (from != to && moved > 0)
                {
                    double[] shares = [.. mixture.Shares];
                    shares[from] -= moved;
                    shares[to] += moved;
                    yield return mixture with { Shares = shares };
                }
            }
        }

        if (options.TunePenalties)
        {
            foreach (double penalty in Penalties)
            {
                yield return mixture with { EarlierPenalty = penalty };
                yield return mixture with { LastPenalty = penalty };
                yield return mixture with { EarlierPenalty = penalty, LastPenalty = penalty };
            }
        }
    }

    private (Mixture Mixture, double Value) Prune((Mixture Mixture, double Value) best)
    {
        foreach (int k in Enumerable.Range(0, best.Mixture.Shares.Length).OrderBy(k => best.Mixture.Shares[k]))
        {
            double rest = 1 - best.Mixture.Shares[k];
            if (best.Mixture.Shares[k] > 0 && rest > 0)
            {
                double[] shares = [.. best.Mixture.Shares.Select((share, other) => other == k ? 0 : share / rest)];
                var without = best.Mixture with { Shares = shares };
                double value = ValueOf(without);
                if (value >= best.Value * (1 - options.LeastGain))
                {
                    best = (without, value);
                }
            }
        }

        return best;
    }
}

namespace MiniOneRec.Modeling;

/// <summary>Finds the mixture with the greatest product of hit rate and NDCG.</summary>
/// <remarks>
/// The linear mean: from the best source alone, from all in equal shares and from the likeliest shares, a share moves from one source to
/// another as long as that helps, in steps that halve; penalties and bonus move along a list. The geometric mean: the same from the
/// weights of <see cref="LogLinearFit"/>. Of both, sources that add next to nothing lose their share. The linear mean counts, or the best
/// source alone where that is better, unless the geometric mean is better by more than a standard error (the rule of Breiman et al. 1984:
/// the simplest of those that the rows do not tell apart). Beams follow the linear mean, and it lets an item be
/// found that one source alone knows.
/// </remarks>
/// <param name="table">What is ranked.</param>
/// <param name="options">Steps and tolerance.</param>
/// <param name="news">Whether the bonus of new items is chosen.</param>
internal sealed class MixtureSearch(MixtureTable table, PriorTunerOptions options, bool news = false)
{
    private static readonly double[] Bonuses = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3];
    private static readonly double[] Penalties = [0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5];

    /// <summary>Searches.</summary>
    /// <param name="start">Gives the number of sources, and the penalties where they are not tuned.</param>
    /// <param name="geometric">Whether the geometric mean is tried.</param>
    public Mixture Run(Mixture start, bool geometric = true)
    {
        int sources = start.Shares.Length;
        var alone = Enumerable.Range(0, sources)
            .Select(k => Climb(
                start with { Shares = [.. Enumerable.Range(0, sources).Select(other => other == k ? 1.0 : 0)] }, trade: false))
            .MaxBy(end => end.Value);
        if (sources == 1)
        {
            return alone.Mixture;
        }

        var linear = Linear(alone, start);
        var best = linear.Value > alone.Value ? linear : alone;
        return geometric && Geometric(start) is { } mean && mean.Value - best.Value > ErrorOf(mean.Mixture, best.Mixture)
            ? mean.Mixture : best.Mixture;
    }

    // The standard error of the difference of H·G over the same rows: each row moves it by G·Δh + H·Δg.
    private double ErrorOf(Mixture first, Mixture second)
    {
        double[] gains = new double[table.Count], others = new double[table.Count];
        var (hits, ndcg) = table.Measure(first, gains);
        var (otherHits, otherNdcg) = table.Measure(second, others);
        (hits, ndcg) = ((hits + otherHits) / 2, (ndcg + otherNdcg) / 2);
        double sum = 0, squares = 0;
        for (int r = 0; r < gains.Length; r++)
        {
            double moved = ndcg * (Math.Sign(gains[r]) - Math.Sign(others[r])) + hits * (gains[r] - others[r]);
            sum += moved;
            squares += moved * moved;
        }

        double mean = sum / gains.Length;
        return Math.Sqrt(Math.Max(0, squares / gains.Length - mean * mean) / gains.Length);
    }

    private (Mixture Mixture, double Value) Linear((Mixture Mixture, double Value) alone, Mixture start)
    {
        int sources = start.Shares.Length;
        var even = alone.Mixture with { Shares = [.. Enumerable.Repeat(1.0 / sources, sources)] };
        var best = ((Mixture[])[alone.Mixture, even, even with { Shares = Likeliest(sources) }]).Select(from => Climb(from))
            .MaxBy(end => end.Value);
        return Climb(Prune(best).Mixture, best.Value * (1 - options.LeastGain * sources));
    }

    // Expectation maximisation of Σ log Σ_k w_k·p_k(target).
    private double[] Likeliest(int sources)
    {
        double[] shares = [.. Enumerable.Repeat(1.0 / sources, sources)];
        for (int step = 0; step < 50; step++)
        {
            double[] next = new double[sources];
            foreach (var (start, _, target) in table.Rows)
            {
                if (target >= 0)
                {
                    double[] parts = [.. shares.Select((share, k) => share * Math.Exp(table.LogOf(start + target, k)))];
                    double sum = parts.Sum();
                    for (int k = 0; k < sources; k++)
                    {
                        next[k] += parts[k] / sum;
                    }
                }
            }

            double all = next.Sum();
            if (all == 0)
            {
                break;
            }

            shares = [.. next.Select(part => part / all)];
        }

        return shares;
    }

    private (Mixture Mixture, double Value)? Geometric(Mixture start)
    {
        var fit = new LogLinearFit(table);
        int[] used = [.. Enumerable.Range(0, start.Shares.Length)];
        if (fit.Run(used, start, options.TunePenalties, news) is not { } all)
        {
            return null;
        }

        var best = Climb(all);
        foreach (int k in used.OrderBy(k => all.Shares[k]).ToArray())
        {
            int[] rest = [.. used.Where(other => other != k)];
            if (rest.Length > 0 && fit.Run(rest, start, options.TunePenalties, news) is { } without
                && Climb(without, double.NegativeInfinity) is var less && less.Value >= best.Value * (1 - options.LeastGain))
            {
                (best, used) = (less, rest);
            }
        }

        return best;
    }

    private double ValueOf(Mixture mixture)
    {
        var (hits, ndcg) = table.Measure(mixture);
        return hits * ndcg;
    }

    private (Mixture Mixture, double Value) Climb(Mixture from, bool trade = true) => Climb(from, ValueOf(from), trade);

    // Sources without a share keep none when a pruned mixture is climbed again: only the others trade.
    private (Mixture Mixture, double Value) Climb(Mixture from, double floor, bool trade = true)
    {
        bool pruned = floor < ValueOf(from) && from.Shares.Contains(0);
        var best = (Mixture: from, Value: ValueOf(from));
        for (double step = trade ? 0.2 : options.SmallestStep; step >= options.SmallestStep - 1e-12; step /= 2)
        {
            for (bool moved = true; moved;)
            {
                moved = false;
                foreach (var next in Neighbours(best.Mixture, step, trade)
                    .Where(next => !pruned || Zeros(from).All(k => next.Shares[k] == 0)))
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

    private IEnumerable<Mixture> Neighbours(Mixture mixture, double step, bool trade)
    {
        for (int from = 0; trade && from < mixture.Shares.Length; from++)
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

        foreach (double bonus in news ? Bonuses : [])
        {
            yield return mixture with { NewItemBonus = bonus };
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

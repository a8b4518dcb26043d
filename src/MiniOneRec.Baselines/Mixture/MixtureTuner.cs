namespace MiniOneRec.Baselines;

/// <summary>Chooses the weights, the form and the history factor of a <see cref="MixedScorer"/> on validation rows.</summary>
/// <remarks>
/// Every part scores the validation rows once. For each row the best items of each part and the target are kept, and all further trials
/// re-rank these. The search is deterministic: from equal weights and from each part alone, weight is moved from one part to another in
/// steps of 0.2, 0.1 and 0.05 as long as HR@K · NDCG@K grows; then the best history factor is taken, and the weights are searched again
/// with it. A part that does not help ends with weight 0, and the result is never below the best part on the rows used.
/// </remarks>
public sealed class MixtureTuner
{
    private const int BatchSize = 256;
    private static readonly int[] Steps = [4, 2, 1];            // in units of 0.05

    private readonly MixtureTuningOptions _options;

    /// <summary>Makes a tuner.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public MixtureTuner(MixtureTuningOptions? options = null) =>
        _options = OptionsValidation.Validated(options ?? new(), new MixtureTuningOptionsValidator());

    /// <summary>Tunes a mixture.</summary>
    /// <param name="parts">The parts; their weights do not matter.</param>
    /// <param name="validation">Validation rows, at least one.</param>
    /// <param name="cancellationToken">Stops between batches and trials.</param>
    /// <returns>The mixture and what it reached on the rows.</returns>
    /// <exception cref="ArgumentException">No parts, parts of other items, or no rows.</exception>
    public Task<MixtureTuning> TuneAsync(
        IReadOnlyList<MixturePart> parts, IReadOnlyList<NextItemExample> validation, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(validation);
        var rows = new MixtureRows(parts);
        if (validation.Count == 0)
        {
            throw new ArgumentException("There are no validation rows to tune a mixture on.", nameof(validation));
        }

        return Task.Run(() => Tune(parts, rows, Draw(validation), cancellationToken), cancellationToken);
    }

    private MixtureTuning Tune(
        IReadOnlyList<MixturePart> parts, MixtureRows rows, NextItemExample[] validation, CancellationToken cancellationToken)
    {
        var pools = Pools(parts, rows, validation, cancellationToken);
        Trial? best = null;
        int tried = 0;
        foreach (var form in _options.Forms)
        {
            Trial Try(int[] units, double factor)
            {
                cancellationToken.ThrowIfCancellationRequested();
                tried++;
                return MixtureTrial.Run(pools, rows.Items.Count, new Trial(units, form, factor), _options.Cutoff);
            }

            double first = _options.HistoryFactors[0];
            var leader = Starts(parts.Count).Select(start => Climb(start, first, Try)).MaxBy(trial => trial.Value)!;
            var factored = _options.HistoryFactors.Select(factor => Try(leader.Units, factor)).MaxBy(trial => trial.Value)!;
            factored = Climb(factored.Units, factored.HistoryFactor, Try);
            leader = factored.Value > leader.Value ? factored : leader;
            best = best is null || leader.Value > best.Value ? leader : best;
        }

        var mixture = new MixedScorer(
            [.. parts.Select((part, index) => part with { Weight = best!.Units[index] / (double)Trial.Whole })], best!.Form,
            best.HistoryFactor);
        return new MixtureTuning(mixture, best.HitRate, best.Ndcg, validation.Length, tried);
    }

    private static Trial Climb(int[] start, double factor, Func<int[], double, Trial> run)
    {
        var best = run(start, factor);
        foreach (int step in Steps)
        {
            for (bool better = true; better;)
            {
                better = false;
                foreach (int[] units in Neighbours(best.Units, step))
                {
                    var trial = run(units, factor);
                    if (trial.Value > best.Value)
                    {
                        (best, better) = (trial, true);
                    }
                }
            }
        }

        return best;
    }

    private static IEnumerable<int[]> Neighbours(int[] units, int step)
    {
        for (int from = 0; from < units.Length; from++)
        {
            for (int to = 0; to < units.Length; to++)
            {
                if (from != to && units[from] > 0)
                {
                    int moved = Math.Min(step, units[from]);
                    int[] next = [.. units];
                    (next[from], next[to]) = (next[from] - moved, next[to] + moved);
                    yield return next;
                }
            }
        }
    }

    private static IEnumerable<int[]> Starts(int parts)
    {
        yield return [.. Enumerable.Range(0, parts).Select(part => Trial.Whole * (part + 1) / parts - Trial.Whole * part / parts)];
        for (int alone = 0; alone < parts; alone++)
        {
            yield return [.. Enumerable.Range(0, parts).Select(part => part == alone ? Trial.Whole : 0)];
        }
    }

    private MixturePool[] Pools(
        IReadOnlyList<MixturePart> parts, MixtureRows rows, NextItemExample[] validation, CancellationToken cancellationToken)
    {
        var known = rows.Items.Index().ToDictionary(item => item.Item, item => item.Index, StringComparer.Ordinal);
        var pools = new List<MixturePool>(validation.Length);
        foreach (var batch in validation.Chunk(BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            float[][] probabilities = [.. parts.Select((_, part) => rows.Probabilities(part, [.. batch.Select(row => row.History)]))];
            var made = new MixturePool[batch.Length];
            Parallel.For(0, batch.Length, b => made[b] = MixturePool.Of(probabilities, b, batch[b], known, _options.Candidates));
            pools.AddRange(made);
        }

        return [.. pools];
    }

    private NextItemExample[] Draw(IReadOnlyList<NextItemExample> validation)
    {
        if (_options.MaxExamples == 0 || validation.Count <= _options.MaxExamples)
        {
            return [.. validation];
        }

        int[] order = [.. Enumerable.Range(0, validation.Count)];
        new Random(_options.Seed).Shuffle(order);
        return [.. order.Take(_options.MaxExamples).Order().Select(row => validation[row])];
    }
}

/// <summary>Holds the result of tuning a mixture.</summary>
/// <param name="Mixture">The mixture with the weights chosen.</param>
/// <param name="HitRate">HR@K on the validation rows.</param>
/// <param name="Ndcg">NDCG@K on the validation rows.</param>
/// <param name="Examples">How many validation rows were used.</param>
/// <param name="Trials">How many settings were tried.</param>
public sealed record MixtureTuning(MixedScorer Mixture, double HitRate, double Ndcg, int Examples, int Trials);

namespace MiniOneRec.Modeling;

/// <summary>Turns the beams of one request into its items: shared semantic IDs are opened, the prior and the history's penalty are counted,
/// the best are kept.</summary>
/// <remarks>A prefix's mass is a sum over many items, so that an item which the prior favours can lie below prefixes that no beam followed.
/// Such items are ranked as well, with nothing from the codes: less than their true score, so that one which stands among the best
/// belongs there.</remarks>
internal static class BeamRanking
{
    /// <summary>Ranks the items of the beams.</summary>
    /// <param name="request">The request.</param>
    /// <param name="beams">What the search found, best first.</param>
    /// <param name="prior">The request's prior, or <see langword="null"/>.</param>
    /// <param name="mean">The geometric mean that ranks, or <see langword="null"/> where the prior's mixture does.</param>
    /// <param name="options">What items of the history lose and new items gain, in nats.</param>
    public static RecommendationResult Rank(PreparedRequest request, IReadOnlyList<Beam> beams, PriorMass? prior,
        GeometricMean? mean, RecommenderOptions options)
    {
        (double earlier, double last) = (options.HistoryPenalty, options.LastItemPenalty ?? options.HistoryPenalty);
        string? lastItem = request.History.LastOrDefault();
        int count = request.Request.Count;
        var items = new List<Recommendation>();
        var penalised = earlier == 0 && last == 0 ? [] : request.History.ToHashSet(StringComparer.Ordinal);
        double bonus = request.Catalogue.HasNewItems ? options.NewItemBonus : 0;
        bool ranked = prior is null && penalised.Count == 0 && bonus == 0;
        var reached = new HashSet<int>();
        foreach (var beam in beams)
        {
            var semanticId = request.Catalogue.Trie.PathTo(beam.Node);
            foreach (int row in request.Catalogue.ItemsAt(beam.Node))
            {
                reached.Add(row);
                if (request.Mask?.AllowsRow(row) != false)
                {
                    items.Add(Of(row, mean?.Of(beam.LogProbability, row)
                        ?? (prior is null ? beam.Score : prior.Mix(beam.LogProbability, prior.OfRow(row))), semanticId));
                }
            }

            if (ranked && items.Count >= count)
            {
                break;
            }
        }

        if (prior is { Weight: > 0 })
        {
            // The best so far, the worst of them first; of equal ones beams stay, then the smaller row.
            var best = new PriorityQueue<int, (double Score, int Order)>(
                items.OrderByDescending(item => item.Score).Take(count).Select(item => (-1, (item.Score, int.MaxValue))));
            double least = Least();
            for (int row = 0; row < request.Catalogue.Index.Count; row++)
            {
                double probability = prior.OfRow(row);
                if (probability > 0 && prior.Weight * probability >= least && !reached.Contains(row)
                    && request.Mask?.AllowsRow(row) != false)
                {
                    best.Enqueue(row, (Unreached(row).Score, -row));
                    if (best.Count > count)
                    {
                        best.Dequeue();
                        least = Least();
                    }
                }
            }

            items.AddRange(best.UnorderedItems.Select(entry => entry.Element).Where(row => row >= 0).Order().Select(Unreached));

            // The geometric mean is at most the arithmetic one, so that one comparison leaves out most items.
            double Least() => best.Count < count || !best.TryPeek(out _, out var worst)
                ? double.NegativeInfinity : Math.Exp(worst.Score - bonus) - (mean?.Floor ?? 0);
        }

        if (!ranked)
        {
            items = [.. items.OrderByDescending(item => item.Score)];               // stable: ties keep the beams' order
        }

        if (items.Count > count)
        {
            items = items.GetRange(0, count);
        }

        return new RecommendationResult(items) { SkippedHistoryItems = request.Skipped, Shortfall = count - items.Count };

        Recommendation Unreached(int row) => Of(row,
            mean?.Of(double.NegativeInfinity, row) ?? prior!.Mix(double.NegativeInfinity, prior.OfRow(row)),
            request.Catalogue.Index[request.Catalogue.Index.Items[row]]);

        Recommendation Of(int row, double score, SemanticId semanticId)
        {
            string item = request.Catalogue.Index.Items[row];
            score -= penalised.Contains(item) ? item == lastItem ? last : earlier : 0;
            return new Recommendation(item, bonus > 0 && request.Catalogue.NewItems[row] ? score + bonus : score, semanticId);
        }
    }
}

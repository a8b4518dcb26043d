namespace MiniOneRec.Modeling;

/// <summary>Candidates of validation rows with the probability that each source gives them: what any mixture ranks without another
/// decoding.</summary>
/// <param name="sources">K, the number of sources.</param>
/// <param name="cutoff">The cutoff of the figures.</param>
internal sealed class MixtureTable(int sources, int cutoff)
{
    private readonly List<float> _probabilities = [];           // [candidates, K]
    private readonly List<HistoryPlace> _places = [];
    private readonly List<(int Start, int Count, int Target)> _rows = [];

    /// <summary>Gets the number of rows.</summary>
    public int Count => _rows.Count;

    /// <summary>Begins a row.</summary>
    public void Begin() => _rows.Add((_places.Count, 0, -1));

    /// <summary>Adds a candidate of the last row.</summary>
    /// <param name="probabilities">What each source gives it, K values.</param>
    /// <param name="place">Where the history holds it.</param>
    /// <param name="isTarget">Whether it is what the user took.</param>
    public void Add(ReadOnlySpan<float> probabilities, HistoryPlace place, bool isTarget)
    {
        _probabilities.AddRange(probabilities);
        _places.Add(place);
        var (start, count, target) = _rows[^1];
        _rows[^1] = (start, count + 1, isTarget ? count : target);
    }

    /// <summary>Ranks every row by a mixture and measures hit rate and NDCG.</summary>
    /// <param name="mixture">Shares and penalties.</param>
    public (double HitRate, double Ndcg) Measure(Mixture mixture)
    {
        var probabilities = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_probabilities);
        float[] shares = [.. mixture.Shares.Select(share => (float)share)];
        float[] factors = [1, (float)Math.Exp(-mixture.EarlierPenalty), (float)Math.Exp(-mixture.LastPenalty)];
        double hits = 0, gain = 0;
        foreach (var (start, count, target) in _rows)
        {
            if (target < 0)
            {
                continue;
            }

            float own = Score(probabilities, start + target);
            int rank = 0;
            for (int c = 0; c < count && rank < cutoff; c++)
            {
                float score = Score(probabilities, start + c);
                if (score > own || (score == own && c < target))
                {
                    rank++;
                }
            }

            if (rank < cutoff)
            {
                hits++;
                gain += 1 / Math.Log2(rank + 2);
            }
        }

        return (hits / _rows.Count, gain / _rows.Count);

        float Score(ReadOnlySpan<float> all, int candidate)
        {
            float sum = 0;
            var own = all.Slice(candidate * sources, sources);
            for (int k = 0; k < own.Length; k++)
            {
                sum += shares[k] * own[k];
            }

            return sum * factors[(int)_places[candidate]];
        }
    }
}

/// <summary>Where a history holds an item.</summary>
internal enum HistoryPlace : byte
{
    /// <summary>Nowhere.</summary>
    None,

    /// <summary>Before its last item.</summary>
    Earlier,

    /// <summary>As its last item.</summary>
    Last,
}

/// <summary>Shares of the sources, which sum to 1, and penalties in nats.</summary>
internal sealed record Mixture(double[] Shares, double EarlierPenalty, double LastPenalty);

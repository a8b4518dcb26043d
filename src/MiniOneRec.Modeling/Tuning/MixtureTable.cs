using System.Runtime.InteropServices;

namespace MiniOneRec.Modeling;

/// <summary>Candidates of validation rows with the probability that each source gives them: what any mixture ranks without another
/// decoding.</summary>
/// <param name="sources">K, the number of sources.</param>
/// <param name="cutoff">The cutoff of the figures.</param>
/// <param name="floor">ε, which keeps logarithms finite.</param>
internal sealed class MixtureTable(int sources, int cutoff, double floor = 1e-9)
{
    private readonly List<float> _probabilities = [];           // [candidates, K]
    private readonly List<HistoryPlace> _places = [];
    private readonly List<bool> _new = [];
    private readonly List<(int Start, int Count, int Target)> _rows = [];
    private float[] _logs = [];                                 // of the probabilities, made when they are first asked for

    /// <summary>Gets K.</summary>
    public int Sources => sources;

    /// <summary>Gets the number of rows.</summary>
    public int Count => _rows.Count;

    /// <summary>Gets the first candidate of each row, their number, and the target among them or −1.</summary>
    public IReadOnlyList<(int Start, int Count, int Target)> Rows => _rows;

    /// <summary>Begins a row.</summary>
    public void Begin() => _rows.Add((_places.Count, 0, -1));

    /// <summary>Adds a candidate of the last row.</summary>
    /// <param name="probabilities">What each source gives it, K values.</param>
    /// <param name="place">Where the history holds it.</param>
    /// <param name="isTarget">Whether it is what the user took.</param>
    /// <param name="isNew">Whether training does not hold it.</param>
    public void Add(ReadOnlySpan<float> probabilities, HistoryPlace place, bool isTarget, bool isNew = false)
    {
        _probabilities.AddRange(probabilities);
        _places.Add(place);
        _new.Add(isNew);
        var (start, count, target) = _rows[^1];
        _rows[^1] = (start, count + 1, isTarget ? count : target);
    }

    /// <summary>Gets log(p + ε) of a candidate by a source.</summary>
    public float LogOf(int candidate, int source) => Logs[candidate * sources + source];

    /// <summary>Gets where the history holds a candidate.</summary>
    public HistoryPlace PlaceOf(int candidate) => _places[candidate];

    /// <summary>Gets whether training does not hold a candidate.</summary>
    public bool IsNew(int candidate) => _new[candidate];

    /// <summary>Ranks every row by a mixture and measures hit rate and NDCG.</summary>
    /// <param name="mixture">Shares, penalties and bonus.</param>
    /// <param name="gains">Receives the NDCG of each row, or is empty.</param>
    public (double HitRate, double Ndcg) Measure(Mixture mixture, Span<double> gains = default)
    {
        bool geometric = mixture.Fusion == SourceFusion.Geometric;
        var values = geometric ? Logs : CollectionsMarshal.AsSpan(_probabilities);
        int[] used = [.. Enumerable.Range(0, sources).Where(k => mixture.Shares[k] > 0)];
        float[] shares = [.. used.Select(k => (float)mixture.Shares[k])];
        double[] penalties = [0, mixture.EarlierPenalty, mixture.LastPenalty];
        float[] changes = [.. penalties.Select(penalty => (float)(geometric ? -penalty : Math.Exp(-penalty)))];
        float raise = (float)(geometric ? mixture.NewItemBonus : Math.Exp(mixture.NewItemBonus));
        double hits = 0, gain = 0;
        gains.Clear();
        for (int r = 0; r < _rows.Count; r++)
        {
            var (start, count, target) = _rows[r];
            if (target < 0)
            {
                continue;
            }

            float own = Score(values, start + target);
            int rank = 0;
            for (int c = 0; c < count && rank < cutoff; c++)
            {
                float score = Score(values, start + c);
                if (score > own || (score == own && c < target))
                {
                    rank++;
                }
            }

            if (rank < cutoff)
            {
                hits++;
                double one = 1 / Math.Log2(rank + 2);
                gain += one;
                if (!gains.IsEmpty)
                {
                    gains[r] = one;
                }
            }
        }

        return (hits / _rows.Count, gain / _rows.Count);

        float Score(ReadOnlySpan<float> all, int candidate)
        {
            float sum = 0, change = changes[(int)_places[candidate]];
            if (_new[candidate])
            {
                change = geometric ? change + raise : change * raise;
            }

            var own = all.Slice(candidate * sources, sources);
            for (int k = 0; k < used.Length; k++)
            {
                sum += shares[k] * own[used[k]];
            }

            return geometric ? sum + change : sum * change;
        }
    }

    private Span<float> Logs
    {
        get
        {
            if (_logs.Length != _probabilities.Count)
            {
                _logs = [.. _probabilities.Select(value => (float)Math.Log(value + floor))];
            }

            return _logs;
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

/// <summary>Shares of the sources, which sum to 1, penalties and bonus in nats, and how the sources are combined.</summary>
internal sealed record Mixture(
    double[] Shares, double EarlierPenalty, double LastPenalty, SourceFusion Fusion = SourceFusion.Linear, double NewItemBonus = 0);

namespace MiniOneRec.Baselines;

/// <summary>A sparse item × item matrix in CSR form, with the one product that baselines need.</summary>
internal sealed class ItemGraph
{
    private readonly int[] _start;
    private readonly int[] _target;
    private readonly double[] _weight;

    /// <param name="count">N, the number of items.</param>
    /// <param name="weights">Weights by (from, to).</param>
    public ItemGraph(int count, IReadOnlyDictionary<(int From, int To), double> weights)
    {
        var entries = weights.ToArray();
        Array.Sort(entries, (a, b) => a.Key.CompareTo(b.Key));
        _start = new int[count + 1];
        _target = new int[entries.Length];
        _weight = new double[entries.Length];
        for (int e = 0; e < entries.Length; e++)
        {
            _start[entries[e].Key.From + 1]++;
            (_target[e], _weight[e]) = (entries[e].Key.To, entries[e].Value);
        }

        for (int row = 0; row < count; row++)
        {
            _start[row + 1] += _start[row];
        }
    }

    /// <summary>Gets the number of entries.</summary>
    public int EntryCount => _target.Length;

    /// <summary>Adds the rows of a history's items, weighted by e^(-rate · steps back).</summary>
    /// <param name="history">Rows, oldest first.</param>
    /// <param name="decayRate">How fast older items lose weight.</param>
    /// <param name="sums">Receives the sums, one per item; cleared first.</param>
    public void Propagate(ReadOnlySpan<int> history, double decayRate, Span<double> sums)
    {
        sums.Clear();
        for (int back = 0; back < history.Length; back++)
        {
            int from = history[^(back + 1)];
            double decay = Math.Exp(-decayRate * back);
            for (int e = _start[from]; e < _start[from + 1]; e++)
            {
                sums[_target[e]] += decay * _weight[e];
            }
        }
    }
}

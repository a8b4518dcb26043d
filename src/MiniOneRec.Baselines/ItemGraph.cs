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

    /// <summary>Makes a graph of its arrays, as <see cref="Start"/>, <see cref="Target"/> and <see cref="Weight"/> give them.</summary>
    /// <exception cref="ArgumentException">The arrays are no graph of so many items.</exception>
    public ItemGraph(int count, int[] start, int[] target, double[] weight)
    {
        if (start.Length != count + 1 || start[0] != 0 || start[^1] != target.Length || weight.Length != target.Length)
        {
            throw new ArgumentException(
                $"{start.Length} starts, {target.Length} targets and {weight.Length} weights are no graph of {count} items.");
        }

        for (int row = 0; row < count; row++)
        {
            if (start[row] > start[row + 1])
            {
                throw new ArgumentException($"Item {row} starts at {start[row]}, behind the next one's {start[row + 1]}.");
            }
        }

        for (int e = 0; e < target.Length; e++)
        {
            if ((uint)target[e] >= (uint)count || !double.IsFinite(weight[e]))
            {
                throw new ArgumentException($"Entry {e} leads to item {target[e]} of {count} with weight {weight[e]}.");
            }
        }

        (_start, _target, _weight) = (start, target, weight);
    }

    /// <summary>Gets where the entries of each row start, and behind the last row their number.</summary>
    public int[] Start => _start;

    /// <summary>Gets the row that each entry leads to.</summary>
    public int[] Target => _target;

    /// <summary>Gets the weight of each entry.</summary>
    public double[] Weight => _weight;

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

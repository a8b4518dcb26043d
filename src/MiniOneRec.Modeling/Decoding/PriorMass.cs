namespace MiniOneRec.Modeling;

/// <summary>Probabilities of items from elsewhere, summed over the items below each node of the trie: a probability per prefix.</summary>
/// <remarks>
/// Decoding follows the exact mixture <c>(1 − w)·p_model + w·p_prior</c> at every prefix, so that an item which only the prior favours can
/// still enter, and items of one semantic ID are told apart by their own probability.
/// </remarks>
public sealed class PriorMass
{
    private readonly SemanticIdTrie _trie;
    private readonly float[] _rows;
    private readonly double[] _before;                          // [ItemCount + 1], sums in the order of the trie's nodes

    /// <summary>Folds item probabilities.</summary>
    /// <param name="trie">The trie.</param>
    /// <param name="probabilities">One value of at least 0 per row; they are normalised to sum 1.</param>
    /// <param name="weight">w, 0 to 1.</param>
    /// <exception cref="ArgumentException">A wrong length, a negative or non-finite value, or a sum of 0.</exception>
    public PriorMass(SemanticIdTrie trie, ReadOnlySpan<float> probabilities, double weight)
    {
        ArgumentNullException.ThrowIfNull(trie);
        ArgumentOutOfRangeException.ThrowIfLessThan(weight, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(weight, 1);
        double sum = SumOf(probabilities, trie.ItemCount);
        (_trie, Weight) = (trie, weight);
        _rows = new float[probabilities.Length];
        for (int row = 0; row < _rows.Length; row++)
        {
            _rows[row] = (float)(probabilities[row] / sum);
        }

        // A search asks for few of the nodes: their masses are differences of running sums.
        var order = trie.ItemRows;
        _before = new double[order.Length + 1];
        double running = 0;
        for (int i = 0; i < order.Length; i++)
        {
            _before[i] = running;
            running += _rows[order[i]];
        }

        _before[^1] = running;
    }

    /// <summary>Adds up a prior's values.</summary>
    /// <exception cref="ArgumentException">A wrong length, a negative or non-finite value, or a sum of 0.</exception>
    internal static double SumOf(ReadOnlySpan<float> probabilities, int count)
    {
        if (probabilities.Length != count)
        {
            throw new ArgumentException($"A prior needs {count} values, one per item; got {probabilities.Length}.", nameof(probabilities));
        }

        double sum = 0;
        foreach (float value in probabilities)
        {
            if (!(value >= 0) || float.IsInfinity(value))
            {
                throw new ArgumentException($"A prior's values are finite and at least 0, not {value}.", nameof(probabilities));
            }

            sum += value;
        }

        if (sum <= 0)
        {
            throw new ArgumentException("A prior's values sum to 0; expected at least one above it.", nameof(probabilities));
        }

        return sum;
    }

    /// <summary>Gets w, the prior's share.</summary>
    public double Weight { get; }

    /// <summary>Makes a prior in which some items have more of the probability.</summary>
    /// <param name="rows">Whether each row is raised.</param>
    /// <param name="nats">By how much before all are normalised again.</param>
    internal PriorMass Raised(ReadOnlySpan<bool> rows, double nats)
    {
        float factor = (float)Math.Exp(nats);
        float[] raised = [.. _rows];
        for (int row = 0; row < raised.Length; row++)
        {
            raised[row] *= rows[row] ? factor : 1;
        }

        return new PriorMass(_trie, raised, Weight);
    }

    /// <summary>Gets the prior probability of a prefix.</summary>
    /// <param name="node">The node.</param>
    public double OfNode(int node)
    {
        var (start, end) = _trie.Children(node);
        return start == end && _trie.ItemsAt(node) is [var only] ? _rows[only] : _trie.SumBelow(node, _before);
    }

    /// <summary>Gets the prior probability of an item.</summary>
    /// <param name="row">The item's row.</param>
    public double OfRow(int row) => _rows[row];

    /// <summary>Mixes a model's log-probability with a prior probability.</summary>
    /// <param name="logProbability">log p_model, in nats.</param>
    /// <param name="prior">p_prior.</param>
    /// <returns>log((1 − w)·p_model + w·p_prior).</returns>
    public double Mix(double logProbability, double prior) => Math.Log((1 - Weight) * Math.Exp(logProbability) + Weight * prior);
}

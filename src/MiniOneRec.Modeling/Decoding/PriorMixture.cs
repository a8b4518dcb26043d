namespace MiniOneRec.Modeling;

/// <summary>Item probabilities of several sources with their shares, as one prior: <c>Σ_k w_k·p_k</c>, of weight <c>Σ_k w_k</c>.</summary>
/// <param name="trie">The catalogue.</param>
internal sealed class PriorMixture(SemanticIdTrie trie)
{
    private readonly List<(float[] Probabilities, double Weight)> _parts = [];

    /// <summary>Gets whether no source has a share.</summary>
    public bool IsEmpty => _parts.Count == 0;

    /// <summary>Gets the sources.</summary>
    public IReadOnlyList<(float[] Probabilities, double Weight)> Parts => _parts;

    /// <summary>Gets the geometric mean of the sources, the codes with what the shares leave.</summary>
    /// <exception cref="ArgumentException">Values of a source are of a wrong length, negative, not finite, or sum to 0.</exception>
    public GeometricMean Geometric() => new(_parts, trie.ItemCount);

    /// <summary>Adds a source.</summary>
    /// <param name="probabilities">One value of at least 0 per row; kept, and normalised where they are mixed.</param>
    /// <param name="weight">w.</param>
    public void Add(float[] probabilities, double weight) => _parts.Add((probabilities, weight));

    /// <summary>Adds the sources of another mixture.</summary>
    public void Add(PriorMixture other) => _parts.AddRange(other._parts);

    /// <summary>Makes a mixture with one source more.</summary>
    public PriorMixture With(float[] probabilities, double weight)
    {
        var mixture = new PriorMixture(trie);
        mixture.Add(this);
        mixture.Add(probabilities, weight);
        return mixture;
    }

    /// <summary>Folds the mixture up the tree; <see langword="null"/> where it is empty.</summary>
    /// <exception cref="ArgumentException">Values of a source are of a wrong length, negative, not finite, or sum to 0.</exception>
    /// <exception cref="InvalidOperationException">The shares sum to more than 1.</exception>
    public PriorMass? Fold()
    {
        if (_parts.Count == 0)
        {
            return null;
        }

        if (_parts.Count == 1)
        {
            return new PriorMass(trie, _parts[0].Probabilities, _parts[0].Weight);
        }

        double weight = _parts.Sum(part => part.Weight);
        if (weight > 1 + 1e-9)
        {
            throw new InvalidOperationException(
                $"The shares of dense head and priors sum to {weight} ({string.Join(" + ", _parts.Select(part => part.Weight))}); "
                + "expected at most 1. The codes have the rest.");
        }

        var mixed = new float[trie.ItemCount];
        foreach (var (probabilities, share) in _parts)
        {
            double scale = share / PriorMass.SumOf(probabilities, trie.ItemCount);
            for (int row = 0; row < mixed.Length; row++)
            {
                mixed[row] += (float)(scale * probabilities[row]);
            }
        }

        // Shares of 0 leave nothing to mix.
        return weight == 0 ? new PriorMass(trie, _parts[0].Probabilities, 0) : new PriorMass(trie, mixed, Math.Min(1, weight));
    }
}

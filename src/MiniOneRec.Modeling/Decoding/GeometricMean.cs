namespace MiniOneRec.Modeling;

/// <summary>The logarithm of the weighted geometric mean of several sources' item probabilities.</summary>
/// <remarks>Genest and Zidek, <em>Combining probability distributions</em> (1986), the logarithmic opinion pool. Departure: probabilities
/// are kept above ε, a thousandth of 1/N, so that one source cannot rule an item out.</remarks>
internal sealed class GeometricMean
{
    private readonly (float[] Probabilities, double Scale, double Weight)[] _parts;
    private readonly double _codes;

    /// <param name="parts">Values of at least 0, one for each item, and shares.</param>
    /// <param name="items">N.</param>
    /// <exception cref="ArgumentException">Values of a source are of a wrong length, negative, not finite, or sum to 0.</exception>
    public GeometricMean(IEnumerable<(float[] Probabilities, double Weight)> parts, int items)
    {
        _parts = [.. parts.Where(part => part.Weight > 0)
            .Select(part => (part.Probabilities, 1 / PriorMass.SumOf(part.Probabilities, items), part.Weight))];
        _codes = Math.Max(0, 1 - _parts.Sum(part => part.Weight));
        Floor = FloorOf(items);
    }

    /// <summary>Gets ε.</summary>
    public double Floor { get; }

    /// <summary>Gets ε for a catalogue of N items.</summary>
    public static double FloorOf(int items) => 1e-3 / items;

    /// <summary>Scores an item, in nats.</summary>
    /// <param name="logProbability">What the codes give its semantic ID, in nats.</param>
    /// <param name="row">The item's row.</param>
    public double Of(double logProbability, int row)
    {
        double score = _codes > 0 ? _codes * Math.Log(Math.Exp(logProbability) + Floor) : 0;
        foreach (var (probabilities, scale, weight) in _parts)
        {
            score += weight * Math.Log(probabilities[row] * scale + Floor);
        }

        return score;
    }
}

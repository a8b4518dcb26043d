namespace MiniOneRec.Baselines;

/// <summary>Turns the scores of a mixture's parts into probabilities over one order of items.</summary>
internal sealed class MixtureRows
{
    private readonly MixturePart[] _parts;
    private readonly int[]?[] _columns;                         // where the mixture's items stand in a part; null for the same order

    /// <exception cref="ArgumentException">No parts, or a part that scores other items than the first.</exception>
    public MixtureRows(IReadOnlyList<MixturePart> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        if (parts.Count == 0 || parts.Any(part => part?.Scorer is null))
        {
            throw new ArgumentException("A mixture needs at least one part, each with a scorer.", nameof(parts));
        }

        _parts = [.. parts];
        Items = parts[0].Scorer.Items;
        _columns = [.. parts.Select((part, index) => Columns(part.Scorer.Items, index))];
    }

    /// <summary>Gets the items, in the order of the first part.</summary>
    public IReadOnlyList<string> Items { get; }

    /// <summary>Computes one part's probabilities.</summary>
    /// <param name="part">The part's place.</param>
    /// <param name="histories">B histories, item ids oldest first.</param>
    /// <returns><c>[B, N]</c>, rows that sum to 1; a part that scores nothing above 0 gives a uniform row.</returns>
    public float[] Probabilities(int part, IReadOnlyList<IReadOnlyList<string>> histories)
    {
        int count = Items.Count;
        float[] scores = new float[checked(histories.Count * count)];
        _parts[part].Scorer.Score(histories, scores);
        float[] row = new float[count];
        for (int b = 0; b < histories.Count; b++)
        {
            var target = scores.AsSpan(b * count, count);
            if (_columns[part] is { } columns)
            {
                target.CopyTo(row);
                for (int j = 0; j < count; j++)
                {
                    target[j] = row[columns[j]];
                }
            }

            Normalise(target, _parts[part].Scale);
        }

        return scores;
    }

    /// <summary>Combines probabilities.</summary>
    /// <param name="probabilities">One row per part, all of one length.</param>
    /// <param name="weights">Their weights, sum 1.</param>
    /// <param name="form">The form.</param>
    /// <param name="count">N, the number of items of the catalogue, which decides the floor of the geometric form.</param>
    /// <param name="target">Receives the mixture.</param>
    public static void Mix(
        ReadOnlySpan<ReadOnlyMemory<float>> probabilities, ReadOnlySpan<double> weights, MixtureForm form, int count, Span<float> target)
    {
        target.Clear();
        float floor = 1e-3f / count;
        for (int part = 0; part < weights.Length; part++)
        {
            float weight = (float)weights[part];
            if (weight == 0)
            {
                continue;
            }

            var row = probabilities[part].Span;
            for (int j = 0; j < target.Length; j++)
            {
                target[j] += weight * (form == MixtureForm.Linear ? row[j] : MathF.Log(row[j] + floor));
            }
        }

        for (int j = 0; form == MixtureForm.Geometric && j < target.Length; j++)
        {
            target[j] = MathF.Exp(target[j]);
        }
    }

    private static void Normalise(Span<float> row, MixtureScale scale)
    {
        float most = float.NegativeInfinity;
        foreach (float value in row)
        {
            most = Math.Max(most, value);
        }

        double sum = 0;
        for (int j = 0; j < row.Length; j++)
        {
            row[j] = scale == MixtureScale.Softmax ? MathF.Exp(row[j] - most) : Math.Max(0, row[j]);
            sum += row[j];
        }

        for (int j = 0; j < row.Length; j++)
        {
            row[j] = sum > 0 ? (float)(row[j] / sum) : 1f / row.Length;
        }
    }

    private int[]? Columns(IReadOnlyList<string> items, int part)
    {
        if (items.SequenceEqual(Items, StringComparer.Ordinal))
        {
            return null;
        }

        var places = items.Index().ToDictionary(item => item.Item, item => item.Index, StringComparer.Ordinal);
        string? lacking = Items.FirstOrDefault(item => !places.ContainsKey(item));
        return lacking is null && items.Count == Items.Count
            ? [.. Items.Select(item => places[item])]
            : throw new ArgumentException(
                $"Part {part} scores {items.Count} items, "
                + $"the first part {Items.Count}{(lacking is null ? "" : $", among them '{lacking}'")}; "
                + "expected the same items.", nameof(items));
    }
}

namespace MiniOneRec.Alignment;

/// <summary>Says what else might have come next, from how often items follow each other in other users' sequences.</summary>
/// <remarks>
/// Items k steps apart count 1/k, against the order of time half of that; a history's scores are summed with a decay per step back. What the
/// sequence at hand contributed itself is subtracted, or the teacher would only repeat the target.
/// </remarks>
internal sealed class TransitionTeacher
{
    private const float Backward = 0.5f;
    private const float Decay = 0.5f;
    private const int MaxHistory = 8;
    private const int MaxItems = 60;
    private readonly SemanticIdIndex _index;
    private readonly Dictionary<int, float>[] _weights;

    public TransitionTeacher(AlignmentData data)
    {
        _index = data.Index;
        _weights = [.. Enumerable.Range(0, _index.Count).Select(_ => new Dictionary<int, float>())];
        foreach (var sequence in data.Sequences)
        {
            ForEachPair(Rows(sequence.ItemIds), (from, to, weight) => _weights[from][to] = _weights[from].GetValueOrDefault(to) + weight);
        }
    }

    /// <summary>Computes the distributions of every code of every item but the first.</summary>
    /// <param name="items">The sequence, as far as the index knows it.</param>
    /// <returns>By position and level the codes with their probabilities and how much they are worth, 0 to 1; <see langword="null"/> where nothing is known.</returns>
    public IReadOnlyList<(int[] Codes, float[] Probabilities, float Confidence)?[]> Teach(IReadOnlyList<string> items)
    {
        var rows = Rows(items);
        var own = new Dictionary<(int, int), float>();
        ForEachPair(rows, (from, to, weight) => own[(from, to)] = own.GetValueOrDefault((from, to)) + weight);

        var lessons = new List<(int[], float[], float)?[]> { new (int[], float[], float)?[_index.SemanticIds[rows[0]].Depth] };
        for (int position = 1; position < rows.Count; position++)
        {
            lessons.Add(ByLevel(Scores(rows, position, own), _index.SemanticIds[rows[position]]));
        }

        return lessons;
    }

    private List<(int Row, float Score)> Scores(List<int> rows, int position, Dictionary<(int, int), float> own)
    {
        var scores = new Dictionary<int, float>();
        float decay = 1;
        for (int i = position - 1; i >= Math.Max(0, position - MaxHistory); i--)
        {
            foreach (var (row, weight) in _weights[rows[i]])
            {
                float others = weight - own.GetValueOrDefault((rows[i], row));
                if (others > 1e-6f)
                {
                    scores[row] = scores.GetValueOrDefault(row) + decay * others;
                }
            }

            decay *= Decay;
        }

        return [.. scores.Select(pair => (pair.Key, pair.Value)).OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).Take(MaxItems)];
    }

    // Deeper levels are conditional on the target's own beginning; the confidence counts the mass seen under it.
    private (int[], float[], float)?[] ByLevel(List<(int Row, float Score)> scores, SemanticId target)
    {
        var levels = new (int[], float[], float)?[target.Depth];
        for (int level = 0; level < target.Depth; level++)
        {
            var masses = new SortedDictionary<int, float>();
            float total = 0;
            foreach (var (row, score) in scores)
            {
                var id = _index.SemanticIds[row];
                if (id.Depth > level && id.Codes[..level].SequenceEqual(target.Codes[..level]))
                {
                    masses[id[level]] = masses.GetValueOrDefault(id[level]) + score;
                    total += score;
                }
            }

            if (total > 0)
            {
                levels[level] = ([.. masses.Keys], [.. masses.Values.Select(mass => mass / total)], total / (total + 1));
            }
        }

        return levels;
    }

    private List<int> Rows(IReadOnlyList<string> items)
    {
        var rows = new List<int>(items.Count);
        foreach (string item in items)
        {
            if (_index.TryGetRow(item, out int row))
            {
                rows.Add(row);
            }
        }

        return rows;
    }

    private static void ForEachPair(List<int> rows, Action<int, int, float> add)
    {
        for (int a = 0; a < rows.Count; a++)
        {
            for (int b = a + 1; b < rows.Count; b++)
            {
                add(rows[a], rows[b], 1f / (b - a));
                add(rows[b], rows[a], Backward / (b - a));
            }
        }
    }
}

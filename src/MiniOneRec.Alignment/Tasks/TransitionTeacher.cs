using System.Collections.Concurrent;

namespace MiniOneRec.Alignment;

/// <summary>Estimates which other items might have come next, from how often items follow each other in other users' sequences.</summary>
/// <remarks>
/// Items k steps apart count 1/k, against the order of time half of that; a history's scores are summed with a decay per step back. What
/// the sequence at hand contributed itself is subtracted, or the teacher would only repeat the target. Where no sequence repeats an item,
/// what the history holds is no answer.
/// </remarks>
internal sealed class TransitionTeacher
{
    private const float Backward = 0.5f;
    private const float Decay = 0.5f;
    private const int MaxHistory = 8;
    private const int MaxItems = 60;
    private readonly SemanticIdIndex _index;
    private readonly (int[] Rows, float[] Weights)[] _follows;
    private readonly ConcurrentBag<TransitionSums> _idle = [];
    private readonly bool _usersComeBack;

    public TransitionTeacher(AlignmentData data)
    {
        _index = data.Index;
        Dictionary<int, float>[] weights = [.. Enumerable.Range(0, _index.Count).Select(_ => new Dictionary<int, float>())];
        foreach (var sequence in data.Sequences)
        {
            var rows = Rows(sequence.ItemIds);
            ForEachPair(rows, (from, to, weight) => weights[from][to] = weights[from].GetValueOrDefault(to) + weight);
            _usersComeBack |= rows.Distinct().Count() < rows.Count;
        }

        _follows = Array.ConvertAll(weights, row => (row.Keys.ToArray(), row.Values.ToArray()));
    }

    /// <summary>Estimates, for every item but the first, which other items might have stood there.</summary>
    /// <param name="items">The sequence, as far as the index knows it.</param>
    /// <param name="whole">The whole sequence where <paramref name="items"/> are a part of it: all of it was counted.</param>
    /// <returns>By position; the first has no guesses.</returns>
    public IReadOnlyList<TeacherGuesses> Guess(IReadOnlyList<string> items, IReadOnlyList<string>? whole = null)
    {
        var rows = Rows(items);
        var own = rows.Distinct().ToDictionary(row => row, _ => new List<(int To, float Weight)>());
        ForEachPair(whole is null ? rows : Rows(whole), (from, to, weight) =>
        {
            if (own.TryGetValue(from, out var follows))
            {
                follows.Add((to, weight));
            }
        });
        var sums = _idle.TryTake(out var idle) ? idle : new TransitionSums(_index.Count);
        TeacherGuesses[] guesses =
            [.. Enumerable.Range(0, rows.Count).Select(position => position == 0 ? TeacherGuesses.None : Guess(rows, position, own, sums))];
        _idle.Add(sums);
        return guesses;
    }

    /// <summary>Computes the distribution of every code of an item, given the codes before it; the confidence counts the mass seen under
    /// these.</summary>
    /// <param name="guesses">What might stand in the item's place.</param>
    /// <param name="path">The item's semantic ID.</param>
    /// <param name="first">The first level that is wanted; those above it stay <see langword="null"/>.</param>
    /// <returns>By level the codes with their probabilities and how much they are worth, 0 to 1; <see langword="null"/> where nothing is
    /// known.</returns>
    public (int[] Codes, float[] Probabilities, float Confidence)?[] ByLevel(TeacherGuesses guesses, SemanticId path, int first = 0)
    {
        var levels = new (int[], float[], float)?[path.Depth];
        for (int level = first; level < path.Depth; level++)
        {
            var masses = new SortedDictionary<int, float>();
            float total = 0;
            foreach (var (row, score) in guesses.Rows.Zip(guesses.Scores))
            {
                var id = _index.SemanticIds[row];
                if (id.Depth > level && id.Codes[..level].SequenceEqual(path.Codes[..level]))
                {
                    masses[id[level]] = masses.GetValueOrDefault(id[level]) + score;
                    total += score;
                }
            }

            if (total > 0)
            {
                levels[level] = ([.. masses.Keys], [.. masses.Values.Select(mass => mass / total)], TeacherGuesses.ConfidenceOf(total));
            }
        }

        return levels;
    }

    private TeacherGuesses Guess(List<int> rows, int position, Dictionary<int, List<(int To, float Weight)>> own, TransitionSums sums)
    {
        float decay = 1;
        for (int i = position - 1; i >= Math.Max(0, position - MaxHistory); i--)
        {
            sums.Add(_follows[rows[i]], own[rows[i]], decay);
            decay *= Decay;
        }

        if (!_usersComeBack)
        {
            foreach (int seen in rows.Take(position))
            {
                sums.Remove(seen);
            }
        }

        return sums.Take(MaxItems);
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

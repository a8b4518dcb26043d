namespace MiniOneRec.Alignment;

/// <summary>Sums the weights of the items that follow a history, one number for each item, and picks the greatest.</summary>
/// <remarks>Arrays of the catalogue's length, cleared where they were written: in dense data an item has very many followers, and a
/// dictionary for each position took as long as the training.</remarks>
/// <param name="items">N.</param>
internal sealed class TransitionSums(int items)
{
    private const float Least = 1e-6f;                          // what rounding leaves of a weight that is taken off
    private readonly float[] _sums = new float[items];
    private readonly float[] _own = new float[items];
    private readonly List<int> _touched = [];

    /// <summary>Adds what follows one item.</summary>
    /// <param name="follows">The items that follow it and their weights over all sequences.</param>
    /// <param name="own">What the sequence at hand contributed to them; an item may stand there several times.</param>
    /// <param name="factor">Multiplies what is left.</param>
    public void Add((int[] Rows, float[] Weights) follows, IReadOnlyList<(int To, float Weight)> own, float factor)
    {
        foreach (var (to, weight) in own)
        {
            _own[to] += weight;
        }

        for (int i = 0; i < follows.Rows.Length; i++)
        {
            int row = follows.Rows[i];
            float others = follows.Weights[i] - _own[row];
            if (others > Least)
            {
                if (_sums[row] == 0)
                {
                    _touched.Add(row);
                }

                _sums[row] += factor * others;
            }
        }

        foreach (var (to, _) in own)
        {
            _own[to] = 0;
        }
    }

    /// <summary>Leaves an item out.</summary>
    public void Remove(int row) => _sums[row] = 0;

    /// <summary>Takes the greatest sums and clears all.</summary>
    /// <param name="most">How many at most.</param>
    /// <returns>The greatest first, of equal ones the smaller row.</returns>
    public TeacherGuesses Take(int most)
    {
        int[] rows = new int[Math.Min(most, _touched.Count)];
        float[] scores = new float[rows.Length];
        int count = 0;
        foreach (int row in _touched)
        {
            float score = _sums[row];
            _sums[row] = 0;
            int place = count;
            while (place > 0 && (scores[place - 1] < score || (scores[place - 1] == score && rows[place - 1] > row)))
            {
                place--;
            }

            if (score == 0 || place == rows.Length)
            {
                continue;
            }

            int moved = Math.Min(count, rows.Length - 1) - place;
            Array.Copy(rows, place, rows, place + 1, moved);
            Array.Copy(scores, place, scores, place + 1, moved);
            (rows[place], scores[place]) = (row, score);
            count = Math.Min(count + 1, rows.Length);
        }

        _touched.Clear();
        return new TeacherGuesses(rows[..count], scores[..count]);
    }
}

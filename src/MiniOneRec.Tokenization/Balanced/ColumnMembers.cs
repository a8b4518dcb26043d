using System.Numerics;
using System.Runtime.InteropServices;

namespace MiniOneRec.Tokenization;

/// <summary>Which rows each column has, and for every pair of columns the row that moves between them at the least cost.</summary>
internal sealed class ColumnMembers
{
    private readonly ReadOnlyMemory<float> _cost;
    private readonly int[] _labels;
    private readonly int _columns;
    private readonly List<int>[] _members;
    private readonly int[] _positions;
    private readonly float[] _least;                    // [K, K] cost of the cheapest move from column to column
    private readonly int[] _cheapest;                   // [K, K] the row of that move
    private readonly bool[] _stale;                     // [K] whether a column's moves must be looked for again

    /// <param name="cost">Row-major costs, <c>[N, K]</c>.</param>
    /// <param name="labels">The column of each row; kept up to date.</param>
    /// <param name="columns">K.</param>
    public ColumnMembers(ReadOnlyMemory<float> cost, int[] labels, int columns)
    {
        (_cost, _labels, _columns) = (cost, labels, columns);
        (_least, _cheapest, _stale, _positions) =
            (new float[columns * columns], new int[columns * columns], new bool[columns], new int[labels.Length]);
        _members = [.. Enumerable.Range(0, columns).Select(_ => new List<int>(2 * labels.Length / columns))];
        Array.Fill(_stale, true);
        for (int row = 0; row < labels.Length; row++)
        {
            _positions[row] = _members[labels[row]].Count;
            _members[labels[row]].Add(row);
        }
    }

    /// <summary>Gets the number of rows of a column.</summary>
    public int Count(int column) => _members[column].Count;

    /// <summary>Fills in what the cheapest move from a column to each other costs; infinite where it has no rows.</summary>
    public void MoveCosts(int column, Span<double> costs)
    {
        if (_stale[column])
        {
            Search(column);
        }

        var least = _least.AsSpan(column * _columns, _columns);
        for (int k = 0; k < least.Length; k++)
        {
            costs[k] = least[k];
        }
    }

    /// <summary>Moves the cheapest row from one column to another.</summary>
    public void Move(int from, int to)
    {
        int row = _cheapest[from * _columns + to];
        var members = _members[from];
        int last = members[^1];
        members[_positions[row]] = last;
        _positions[last] = _positions[row];
        members.RemoveAt(members.Count - 1);
        _positions[row] = _members[to].Count;
        _members[to].Add(row);
        _labels[row] = to;
        _stale[from] = true;                            // its cheapest move is gone
        if (!_stale[to])
        {
            Offer(to, row);
        }
    }

    private void Search(int column)
    {
        _least.AsSpan(column * _columns, _columns).Fill(float.PositiveInfinity);
        foreach (int row in _members[column])
        {
            Offer(column, row);
        }

        _stale[column] = false;
    }

    /// <summary>Takes a row of a column as its cheapest move to wherever it is.</summary>
    private void Offer(int column, int row)
    {
        var costs = _cost.Span.Slice(row * _columns, _columns);
        var least = _least.AsSpan(column * _columns, _columns);
        var cheapest = _cheapest.AsSpan(column * _columns, _columns);
        float own = costs[column];
        var wideCosts = MemoryMarshal.Cast<float, Vector<float>>(costs);
        var wideLeast = MemoryMarshal.Cast<float, Vector<float>>(least);
        var wideCheapest = MemoryMarshal.Cast<int, Vector<int>>(cheapest);
        var wideRow = new Vector<int>(row);
        for (int i = 0; i < wideCosts.Length; i++)
        {
            var move = wideCosts[i] - new Vector<float>(own);
            var better = Vector.LessThan(move, wideLeast[i]);
            wideLeast[i] = Vector.ConditionalSelect(better, move, wideLeast[i]);
            wideCheapest[i] = Vector.ConditionalSelect(better, wideRow, wideCheapest[i]);
        }

        for (int k = wideCosts.Length * Vector<float>.Count; k < _columns; k++)
        {
            if (costs[k] - own < least[k])
            {
                (least[k], cheapest[k]) = (costs[k] - own, row);
            }
        }

        least[column] = float.PositiveInfinity;
    }
}

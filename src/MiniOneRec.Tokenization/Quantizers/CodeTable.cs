namespace MiniOneRec.Tokenization;

/// <summary>Codes of a quantizer, a row per vector and a column per level: <c>[N, L]</c>.</summary>
public sealed class CodeTable
{
    private readonly int[] _values;

    /// <summary>Makes a table.</summary>
    /// <param name="count">N, at least 0.</param>
    /// <param name="depth">L, at least 1.</param>
    /// <param name="values">Row-major codes, each at least 0; the table keeps the array.</param>
    /// <exception cref="ArgumentException">The length is not N·L, or a code is negative.</exception>
    public CodeTable(int count, int depth, int[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfLessThan(depth, 1);
        if ((long)count * depth != values.LongLength)
        {
            throw new ArgumentException($"{count} rows of {depth} codes have {(long)count * depth} codes, not {values.LongLength}.",
                nameof(values));
        }

        if (Array.FindIndex(values, code => code < 0) is var at and >= 0)
        {
            throw new ArgumentException($"Row {at / depth}, level {at % depth}: code {values[at]}; a code is at least 0.", nameof(values));
        }

        (Count, Depth, _values) = (count, depth, values);
    }

    /// <summary>Gets N, the number of rows.</summary>
    public int Count { get; }

    /// <summary>Gets L, the number of levels.</summary>
    public int Depth { get; }

    /// <summary>Gets all codes, row-major.</summary>
    public ReadOnlyMemory<int> Values => _values;

    /// <summary>Gets the codes of one row.</summary>
    /// <param name="row">The row.</param>
    public ReadOnlySpan<int> this[int row] => _values.AsSpan(checked(row * Depth), Depth);

    /// <summary>Gets one code.</summary>
    /// <param name="row">The row.</param>
    /// <param name="level">The level, zero-based.</param>
    public int this[int row, int level] => this[row][level];

    /// <summary>Copies some rows into a table of their own, in the order given.</summary>
    /// <param name="rows">The rows.</param>
    public CodeTable Select(ReadOnlySpan<int> rows)
    {
        int[] values = new int[checked(rows.Length * Depth)];
        for (int i = 0; i < rows.Length; i++)
        {
            this[rows[i]].CopyTo(values.AsSpan(i * Depth));
        }

        return new CodeTable(rows.Length, Depth, values);
    }

    /// <summary>Counts the rows whose codes an earlier row has too, as a share of all rows: 1 − distinct / N.</summary>
    public double CollisionRate() => Count == 0 ? 0
        : 1 - (double)Enumerable.Range(0, Count).Select(row => new SemanticId(this[row])).Distinct().Count() / Count;

    /// <summary>Checks that every code is below its level's size.</summary>
    /// <exception cref="ArgumentException">The depth differs or a code is too large; the message names row, level and size.</exception>
    internal void CheckWithin(IReadOnlyList<int> levelSizes)
    {
        if (Depth != levelSizes.Count)
        {
            throw new ArgumentException($"The codes have {Depth} levels; the quantizer has {levelSizes.Count}.");
        }

        for (int i = 0; i < _values.Length; i++)
        {
            if (_values[i] >= levelSizes[i % Depth])
            {
                throw new ArgumentException(
                    $"Row {i / Depth}, level {i % Depth}: code {_values[i]}; the level has {levelSizes[i % Depth]} codes.");
            }
        }
    }
}

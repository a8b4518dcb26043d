namespace MiniOneRec.Vectors;

/// <summary>A matrix in compressed rows: row <c>i</c> has the entries <c>Starts[i]</c> to <c>Starts[i + 1]</c>.</summary>
internal sealed record SparseMatrix(int Rows, int Columns, int[] Starts, int[] ColumnOf, float[] Values)
{
    /// <summary>Multiplies with a dense matrix <c>[Columns, width]</c>, row-major.</summary>
    public float[] Multiply(ReadOnlyMemory<float> dense, int width)
    {
        float[] result = new float[checked(Rows * width)];
        Parallel.For(0, Rows, row =>
        {
            var target = result.AsSpan(row * width, width);
            for (int at = Starts[row]; at < Starts[row + 1]; at++)
            {
                VectorMath.AddScaled(target, dense.Span.Slice(ColumnOf[at] * width, width), Values[at]);
            }
        });
        return result;
    }

    public SparseMatrix Transpose()
    {
        int[] starts = new int[Columns + 1];
        foreach (int column in ColumnOf)
        {
            starts[column + 1]++;
        }

        for (int column = 0; column < Columns; column++)
        {
            starts[column + 1] += starts[column];
        }

        int[] next = starts[..Columns], rowOf = new int[ColumnOf.Length];
        float[] values = new float[Values.Length];
        for (int row = 0; row < Rows; row++)
        {
            for (int at = Starts[row]; at < Starts[row + 1]; at++)
            {
                int to = next[ColumnOf[at]]++;
                (rowOf[to], values[to]) = (row, Values[at]);
            }
        }

        return new SparseMatrix(Columns, Rows, starts, rowOf, values);
    }
}

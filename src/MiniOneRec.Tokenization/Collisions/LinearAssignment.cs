namespace MiniOneRec.Tokenization;

/// <summary>The assignment problem: each row gets a column of its own, at the least total cost.</summary>
/// <remarks>Shortest augmenting paths, Jonker and Volgenant (1987); exact in float64, O(rows² · columns).</remarks>
internal static class LinearAssignment
{
    /// <summary>Solves a problem.</summary>
    /// <param name="cost">Row-major costs, <c>[rows, columns]</c>, finite.</param>
    /// <param name="rows">The number of rows, at most <paramref name="columns"/>.</param>
    /// <param name="columns">The number of columns.</param>
    /// <returns>The column of each row.</returns>
    public static int[] Solve(ReadOnlySpan<double> cost, int rows, int columns)
    {
        if (rows > columns || cost.Length != (long)rows * columns)
        {
            throw new ArgumentException($"{rows} rows and {columns} columns with {cost.Length} costs: rows may not exceed columns.");
        }

        double[] rowPrice = new double[rows], columnPrice = new double[columns], shortest = new double[columns];
        int[] rowOf = new int[columns], from = new int[columns];
        bool[] done = new bool[columns];
        Array.Fill(rowOf, -1);
        for (int start = 0; start < rows; start++)
        {
            Array.Fill(shortest, double.PositiveInfinity);
            Array.Clear(done);

            // Dijkstra over columns on reduced costs, from the row without a column to the nearest free column.
            int row = start, end = -1;
            double length = 0;
            while (end < 0)
            {
                int next = -1;
                for (int column = 0; column < columns; column++)
                {
                    if (done[column])
                    {
                        continue;
                    }

                    double through = length + cost[row * columns + column] - rowPrice[row] - columnPrice[column];
                    if (through < shortest[column])
                    {
                        (shortest[column], from[column]) = (through, row);
                    }

                    if (next < 0 || shortest[column] < shortest[next]
                        || (shortest[column] == shortest[next] && rowOf[column] < 0 && rowOf[next] >= 0))
                    {
                        next = column;
                    }
                }

                (done[next], length) = (true, shortest[next]);
                if (rowOf[next] < 0)
                {
                    end = next;
                }
                else
                {
                    row = rowOf[next];
                }
            }

            rowPrice[start] += length;
            for (int column = 0; column < columns; column++)
            {
                if (done[column] && column != end)
                {
                    rowPrice[rowOf[column]] += length - shortest[column];
                    columnPrice[column] -= length - shortest[column];
                }
            }

            for (int column = end; column >= 0;)
            {
                int owner = from[column], before = Array.IndexOf(rowOf, owner);
                rowOf[column] = owner;
                column = owner == start ? -1 : before;
            }
        }

        int[] result = new int[rows];
        for (int column = 0; column < columns; column++)
        {
            if (rowOf[column] >= 0)
            {
                result[rowOf[column]] = column;
            }
        }

        return result;
    }
}

namespace MiniOneRec.Tokenization;

/// <summary>Assigns rows to columns at the least total cost, every column getting between a minimum and a maximum of rows.</summary>
/// <remarks>
/// <para>
/// A minimum-cost flow by successive shortest paths, solved on the columns alone: moving a row from column a to b costs
/// w(a, b) = min over the rows i of a of c(i, b) − c(i, a), so that a path search sees K nodes whatever the number of rows. The start is
/// each row's best column under given prices; what is over or under its bounds then flows along shortest paths.
/// </para>
/// <para>
/// Exact, in float32 costs and float64 prices, at every size: N·K costs are held once, and the time grows with the number of rows that must
/// move. Large problems start from the prices of a sample. <see cref="BalancedAssignmentResult.LowerBound"/> is the dual value, which
/// proves it. Ahuja, Magnanti and Orlin (1993), section 9.7.
/// </para>
/// </remarks>
internal sealed class BalancedAssignment
{
    private readonly ReadOnlyMemory<float> _cost;
    private readonly int _rows;
    private readonly int _columns;
    private readonly int _minimum;
    private readonly int _maximum;
    private readonly int[] _labels;
    private readonly ColumnMembers _members;
    // [K + 1], the last one the hub's; a row chooses the least c(i, k) + price(k) − price(hub)
    private readonly double[] _price;
    private readonly int[] _flow;                       // [K] from each column to the hub, within the bounds
    private readonly ShortestPath _path;

    private BalancedAssignment(ReadOnlyMemory<float> cost, int rows, int columns, int minimum, int maximum, double[] price)
    {
        (_cost, _rows, _columns, _minimum, _maximum, _price) = (cost, rows, columns, minimum, maximum, price);
        (_labels, _flow, _path) = (new int[rows], new int[columns], new ShortestPath(columns + 1));
        ChooseUnderPrices();
        _members = new ColumnMembers(cost, _labels, columns);
    }

    /// <summary>Solves a problem.</summary>
    /// <param name="cost">Row-major costs, <c>[N, K]</c>, finite.</param>
    /// <param name="rows">N.</param>
    /// <param name="columns">K.</param>
    /// <param name="minimum">The fewest rows of a column.</param>
    /// <param name="maximum">The most rows of a column.</param>
    /// <param name="prices">Prices of a similar problem to start from, <c>[K]</c>, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Looked at between paths.</param>
    /// <exception cref="ArgumentException">No assignment can keep the bounds; the message says why.</exception>
    public static BalancedAssignmentResult Solve(
        ReadOnlyMemory<float> cost, int rows, int columns, int minimum, int maximum, double[]? prices = null,
        CancellationToken cancellationToken = default)
    {
        if (cost.Length != (long)rows * columns || minimum < 0 || minimum > maximum || (long)minimum * columns > rows
            || (long)maximum * columns < rows)
        {
            throw new ArgumentException(
                $"{rows} rows with {cost.Length} costs cannot go to {columns} columns of {minimum} to {maximum} rows each.");
        }

        prices ??= SamplePrices(cost, rows, columns, (double)minimum / rows, (double)maximum / rows, cancellationToken);
        var problem = new BalancedAssignment(cost, rows, columns, minimum, maximum, [.. prices, 0]);
        problem.Balance(cancellationToken);
        return problem.Result();
    }

    /// <summary>Prices of every eighth row's problem, where there are rows enough; else zeros.</summary>
    private static double[] SamplePrices(
        ReadOnlyMemory<float> cost, int rows, int columns, double minimumShare, double maximumShare, CancellationToken cancellationToken)
    {
        const int Stride = 8, RowsPerColumn = 16;
        int sampled = (rows + Stride - 1) / Stride;
        if (sampled < RowsPerColumn * columns)
        {
            return new double[columns];
        }

        float[] sample = new float[(long)sampled * columns];
        for (int row = 0; row < sampled; row++)
        {
            cost.Span.Slice(row * Stride * columns, columns).CopyTo(sample.AsSpan(row * columns));
        }

        int minimum = (int)Math.Floor(minimumShare * sampled), maximum = (int)Math.Ceiling(maximumShare * sampled);
        return Solve(sample, sampled, columns, minimum, maximum, null, cancellationToken).Prices;
    }

    /// <summary>Puts each row where cost plus price is least, and the hub's flows where the prices want them.</summary>
    private void ChooseUnderPrices()
    {
        float[] price = [.. _price.Take(_columns).Select(value => (float)value)];
        for (int k = 0; k < _columns; k++)
        {
            _price[k] = price[k];
        }

        int[] counts = new int[_columns];
        for (int row = 0; row < _rows; row++)
        {
            var costs = _cost.Span.Slice(row * _columns, _columns);
            int best = 0;
            double least = double.PositiveInfinity;
            for (int k = 0; k < _columns; k++)
            {
                double total = (double)costs[k] + price[k];
                if (total < least)
                {
                    (best, least) = (k, total);
                }
            }

            _labels[row] = best;
            counts[best]++;
        }

        for (int k = 0; k < _columns; k++)
        {
            _flow[k] = price[k] > 0 ? _maximum : price[k] < 0 ? _minimum : Math.Clamp(counts[k], _minimum, _maximum);
        }
    }

    private void Balance(CancellationToken cancellationToken)
    {
        int hub = _columns;
        long[] surplus = new long[_columns + 1];
        for (int k = 0; k < _columns; k++)
        {
            surplus[k] = _members.Count(k) - _flow[k];
            surplus[hub] += _flow[k];
        }

        surplus[hub] -= _rows;
        for (int source = 0; source <= hub; source++)
        {
            while (surplus[source] > 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int sink = _path.Find(source, node => surplus[node] < 0, Relax, _price);
                for (int node = sink; node != source; node = _path.Before(node))
                {
                    Push(_path.Before(node), node);
                }

                surplus[source]--;
                surplus[sink]++;
            }
        }
    }

    /// <summary>Fills in what it costs to go from a node to every other one, at prices.</summary>
    private void Relax(int from, Span<double> lengths)
    {
        int hub = _columns;
        if (from == hub)
        {
            for (int k = 0; k < _columns; k++)
            {
                lengths[k] = _flow[k] > _minimum ? 0 : double.PositiveInfinity;
            }

            lengths[hub] = double.PositiveInfinity;
        }
        else
        {
            _members.MoveCosts(from, lengths[.._columns]);
            lengths[hub] = _flow[from] < _maximum ? 0 : double.PositiveInfinity;
        }
    }

    private void Push(int from, int to)
    {
        if (from == _columns)
        {
            _flow[to]--;
        }
        else if (to == _columns)
        {
            _flow[from]++;
        }
        else
        {
            _members.Move(from, to);
        }
    }

    /// <summary>
    /// The mean of the prices at which each column in turn is as dear as can be: wherever the optimum is the only one, every row then
    /// prefers its column to all others, and by some distance.
    /// </summary>
    private double[] InteriorPrices()
    {
        var paths = new ShortestPath(_columns);
        double[] sum = new double[_columns];
        int roots = 0;
        for (int root = 0; root < _columns; root++)
        {
            if (_members.Count(root) > 0)
            {
                roots++;
                var lengths = paths.Lengths(root, _members.MoveCosts, _price);
                for (int k = 0; k < _columns; k++)
                {
                    sum[k] -= lengths[k];
                }
            }
        }

        return [.. sum.Select((lengths, k) => _price[k] - _price[_columns] + lengths / roots)];
    }

    private BalancedAssignmentResult Result()
    {
        double hub = _price[_columns], cost = 0, bound = 0;
        double[] prices = new double[_columns];
        for (int k = 0; k < _columns; k++)
        {
            prices[k] = _price[k] - hub;
            bound -= prices[k] > 0 ? _maximum * prices[k] : _minimum * prices[k];
        }

        for (int row = 0; row < _rows; row++)
        {
            var costs = _cost.Span.Slice(row * _columns, _columns);
            double least = double.PositiveInfinity;
            for (int k = 0; k < _columns; k++)
            {
                least = Math.Min(least, costs[k] + prices[k]);
            }

            bound += least;
            cost += costs[_labels[row]];
        }

        return new BalancedAssignmentResult(_labels, prices, cost, bound, InteriorPrices);
    }
}

/// <summary>What <see cref="BalancedAssignment"/> found.</summary>
/// <param name="Labels">The column of each row.</param>
/// <param name="Prices">A price per column: each row's column is one of least cost plus price.</param>
/// <param name="Cost">The total cost.</param>
/// <param name="LowerBound">What no assignment within the bounds can be below; equal to the cost up to rounding.</param>
/// <param name="Interior">Computes prices at which rows prefer their columns by a distance, for choosing columns of rows to come.</param>
internal sealed record BalancedAssignmentResult(int[] Labels, double[] Prices, double Cost, double LowerBound, Func<double[]> Interior);

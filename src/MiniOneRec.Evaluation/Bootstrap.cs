namespace MiniOneRec.Evaluation;

/// <summary>Percentile intervals of means over examples, by drawing users with replacement.</summary>
/// <remarks>
/// Efron (1979). Users, not rows, are drawn, because rows of one user are not independent; with one row per user it is the
/// plain bootstrap. Equal seeds draw equal users, so that two systems on the same examples can be compared by pairs.
/// </remarks>
internal sealed class Bootstrap
{
    private readonly int[] _starts, _rows;      // rows of user u: _rows[_starts[u].._starts[u + 1]]

    public Bootstrap(IEnumerable<string> userIds)
    {
        var groups = userIds.Select((user, row) => (user, row)).GroupBy(pair => pair.user, pair => pair.row, StringComparer.Ordinal)
            .ToArray();
        _rows = [.. groups.SelectMany(group => group)];
        _starts = new int[groups.Length + 1];
        for (int user = 0; user < groups.Length; user++)
        {
            _starts[user + 1] = _starts[user] + groups[user].Count();
        }
    }

    /// <summary>Draws samples and computes statistics of each.</summary>
    /// <param name="kinds">The kind of each row; a statistic depends on nothing else (a rank, or a pair of ranks).</param>
    /// <param name="kindCount">How many kinds there are.</param>
    /// <param name="statistics">Statistics as a value per kind, averaged over the rows of a sample.</param>
    /// <param name="samples">How many samples are drawn.</param>
    /// <param name="random">Where they are drawn from.</param>
    /// <param name="cancellationToken">Looked at once per sample.</param>
    /// <returns>For each statistic its value in each sample, ascending.</returns>
    public double[][] Draw(
        ReadOnlySpan<int> kinds, int kindCount, IReadOnlyList<double[]> statistics, int samples, Random random,
        CancellationToken cancellationToken = default)
    {
        int users = _starts.Length - 1;
        double[][] drawn = [.. statistics.Select(_ => new double[samples])];
        int[] histogram = new int[kindCount];
        for (int sample = 0; sample < samples; sample++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Array.Clear(histogram);
            int count = 0;
            for (int i = 0; i < users; i++)
            {
                int user = random.Next(users);
                for (int at = _starts[user]; at < _starts[user + 1]; at++, count++)
                {
                    histogram[kinds[_rows[at]]]++;
                }
            }

            for (int s = 0; s < drawn.Length; s++)
            {
                double sum = 0;
                for (int kind = 0; kind < kindCount; kind++)
                {
                    sum += histogram[kind] * statistics[s][kind];
                }

                drawn[s][sample] = sum / count;
            }
        }

        foreach (double[] values in drawn)
        {
            Array.Sort(values);
        }

        return drawn;
    }

    /// <summary>The central interval of ascending values, with linear interpolation between them.</summary>
    public static Interval Percentile(double[] ascending, double confidence)
    {
        double tail = (1 - confidence) / 2;
        return new Interval(Quantile(ascending, tail), Quantile(ascending, 1 - tail));
    }

    private static double Quantile(double[] ascending, double share)
    {
        double at = share * (ascending.Length - 1);
        int below = (int)at, above = Math.Min(below + 1, ascending.Length - 1);
        return ascending[below] + ((at - below) * (ascending[above] - ascending[below]));
    }
}

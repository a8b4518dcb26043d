namespace MiniOneRec.Modeling;

/// <summary>Fits the weights of a geometric mean to the validation rows by maximum likelihood.</summary>
/// <remarks>
/// The conditional logit of McFadden (1974):
/// <c>P(target) = softmax_c(Σ_k w_k·log(p_k(c) + ε) − e·[c earlier in the history] − l·[c last] + n·[c new])</c> over the row's
/// candidates, with a ridge of 1e-4. It is concave, so that Newton's method finds the one answer whatever the start; weights stay at least
/// 0. Few and smooth weights hardly fit noise, where a search over hits would.
/// </remarks>
/// <param name="table">The rows.</param>
internal sealed class LogLinearFit(MixtureTable table)
{
    private const double Ridge = 1e-4, LongestStep = 0.5, Tolerance = 1e-4;
    private const int MaxSteps = 50;

    /// <summary>Fits.</summary>
    /// <param name="sources">The sources that may have a weight.</param>
    /// <param name="start">Gives the penalties where they are not fitted.</param>
    /// <param name="penalties">Whether the penalties are fitted.</param>
    /// <param name="news">Whether the bonus of new items is fitted.</param>
    /// <returns>Shares that sum to 1; <see langword="null"/> where no source gets a weight or no row has its target.</returns>
    public Mixture? Run(IReadOnlyList<int> sources, Mixture start, bool penalties, bool news = false)
    {
        int count = sources.Count, size = count + (penalties ? 2 : 0) + (news ? 1 : 0);
        double[] weights = new double[size];
        Array.Fill(weights, 1.0 / count, 0, count);
        for (int step = 0; step < MaxSteps; step++)
        {
            var (gradient, curvature, rows) = Derivatives(sources, weights, penalties, news);
            if (rows == 0)
            {
                return null;
            }

            // Weights at 0 that want to fall stay there; the others move together.
            int[] free = [.. Enumerable.Range(0, size).Where(i => weights[i] > 0 || gradient[i] > 0)];
            double[] move = Solve(free, gradient, curvature);
            double longest = move.Select(Math.Abs).DefaultIfEmpty().Max(), scale = Math.Min(1, LongestStep / Math.Max(longest, 1e-300));
            double moved = 0;
            foreach (var (place, i) in free.Index())
            {
                double next = Math.Max(0, weights[i] + scale * move[place]);
                moved = Math.Max(moved, Math.Abs(next - weights[i]));
                weights[i] = next;
            }

            if (moved < Tolerance)
            {
                break;
            }
        }

        double sum = weights.Take(count).Sum();
        if (!(sum > 1e-9))
        {
            return null;
        }

        double[] shares = new double[table.Sources];
        foreach (var (place, source) in sources.Index())
        {
            shares[source] = weights[place] / sum;
        }

        var fitted = start with { Shares = shares, Fusion = SourceFusion.Geometric };
        fitted = penalties ? fitted with { EarlierPenalty = weights[count] / sum, LastPenalty = weights[count + 1] / sum } : fitted;
        return news ? fitted with { NewItemBonus = weights[^1] / sum } : fitted;
    }

    // Mean gradient of the log-likelihood and mean covariance of the features under the model, each with its ridge.
    private (double[] Gradient, double[,] Curvature, int Rows) Derivatives(
        IReadOnlyList<int> sources, double[] weights, bool penalties, bool news)
    {
        int size = weights.Length, rows = 0;
        double[] gradient = new double[size], mean = new double[size];
        double[,] curvature = new double[size, size];
        double[] features = [], scores = [];
        foreach (var (start, candidates, target) in table.Rows)
        {
            if (target < 0)
            {
                continue;
            }

            rows++;
            if (scores.Length < candidates)
            {
                (features, scores) = (new double[candidates * size], new double[candidates]);
            }

            double most = double.NegativeInfinity;
            for (int c = 0; c < candidates; c++)
            {
                var own = features.AsSpan(c * size, size);
                Read(start + c, sources, penalties, news, own);
                double score = 0;
                for (int i = 0; i < size; i++)
                {
                    score += weights[i] * own[i];
                }

                (scores[c], most) = (score, Math.Max(most, score));
            }

            double sum = 0;
            for (int c = 0; c < candidates; c++)
            {
                sum += scores[c] = Math.Exp(scores[c] - most);
            }

            Array.Clear(mean);
            for (int c = 0; c < candidates; c++)
            {
                double share = scores[c] / sum;
                var own = features.AsSpan(c * size, size);
                for (int i = 0; i < size; i++)
                {
                    double weighted = share * own[i];
                    mean[i] += weighted;
                    for (int j = 0; j <= i; j++)
                    {
                        curvature[i, j] += weighted * own[j];
                    }
                }
            }

            for (int i = 0; i < size; i++)
            {
                gradient[i] += features[target * size + i] - mean[i];
                for (int j = 0; j <= i; j++)
                {
                    curvature[i, j] -= mean[i] * mean[j];
                }
            }
        }

        for (int i = 0; i < size; i++)
        {
            gradient[i] = gradient[i] / Math.Max(1, rows) - Ridge * weights[i];
            for (int j = 0; j <= i; j++)
            {
                curvature[i, j] = curvature[j, i] = curvature[i, j] / Math.Max(1, rows) + (i == j ? Ridge : 0);
            }
        }

        return (gradient, curvature, rows);
    }

    private void Read(int candidate, IReadOnlyList<int> sources, bool penalties, bool news, Span<double> features)
    {
        for (int k = 0; k < sources.Count; k++)
        {
            features[k] = table.LogOf(candidate, sources[k]);
        }

        if (penalties)
        {
            var place = table.PlaceOf(candidate);
            features[sources.Count] = place == HistoryPlace.Earlier ? -1 : 0;
            features[sources.Count + 1] = place == HistoryPlace.Last ? -1 : 0;
        }

        if (news)
        {
            features[^1] = table.IsNew(candidate) ? 1 : 0;
        }
    }

    // Cholesky: the curvature is positive definite by its ridge.
    private static double[] Solve(int[] free, double[] gradient, double[,] curvature)
    {
        int size = free.Length;
        double[,] factor = new double[size, size];
        double[] x = new double[size];
        for (int i = 0; i < size; i++)
        {
            for (int j = 0; j <= i; j++)
            {
                double sum = curvature[free[i], free[j]];
                for (int k = 0; k < j; k++)
                {
                    sum -= factor[i, k] * factor[j, k];
                }

                factor[i, j] = i == j ? Math.Sqrt(Math.Max(sum, 1e-12)) : sum / factor[j, j];
            }

            x[i] = gradient[free[i]];
            for (int k = 0; k < i; k++)
            {
                x[i] -= factor[i, k] * x[k];
            }

            x[i] /= factor[i, i];
        }

        for (int i = size - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < size; k++)
            {
                x[i] -= factor[k, i] * x[k];
            }

            x[i] /= factor[i, i];
        }

        return x;
    }
}

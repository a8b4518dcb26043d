namespace MiniOneRec.Experiments;

/// <summary>The law L(N) = E + A / N^α.</summary>
/// <param name="Floor">E, the loss of an infinite model, in nats.</param>
/// <param name="Factor">A.</param>
/// <param name="Exponent">α.</param>
/// <param name="Objective">The sum of Huber losses that is left.</param>
internal sealed record ScalingLaw(double Floor, double Factor, double Exponent, double Objective)
{
    /// <summary>Predicts the loss of a size.</summary>
    /// <param name="parameters">N.</param>
    public double At(double parameters) => Floor + Factor * Math.Pow(parameters, -Exponent);
}

/// <summary>Fits the law to measured losses.</summary>
/// <remarks>
/// Hoffmann et al. (arXiv:2203.15556), section 3.3: Huber loss of the difference of logarithms with δ = 0.001, the best of many starts.
/// The search is that of Nelder and Mead over log E, log A and α.
/// </remarks>
internal static class ScalingFit
{
    private const double Delta = 1e-3;

    /// <summary>Fits the law.</summary>
    /// <param name="points">Sizes and losses, at least four, all above 0.</param>
    /// <exception cref="ArgumentException">There are fewer than four points, or one is not above 0.</exception>
    public static ScalingLaw Fit(IReadOnlyList<(double Parameters, double Loss)> points) =>
        Fit(points, [0.1, 0.5, 0.8, 0.95], [0.05, 0.2, 0.4, 0.8, 1.5], 2_000, near: null);

    private static ScalingLaw Fit(
        IReadOnlyList<(double Parameters, double Loss)> points, double[] shares, double[] exponents, int iterations,
        ScalingLaw? near)
    {
        if (points.Count < 4 || points.Any(point => !(point.Parameters > 0) || !(point.Loss > 0)))
        {
            throw new ArgumentException($"{points.Count} points; expected at least four, with sizes and losses above 0.", nameof(points));
        }

        double least = points.Min(point => point.Loss);
        ScalingLaw? best = null;
        if (near is not null)
        {
            Try([Math.Log(near.Floor), Math.Log(near.Factor), near.Exponent]);
        }

        foreach (double share in shares)
        {
            foreach (double exponent in exponents)
            {
                var (parameters, loss) = points[0];
                double rest = Math.Max(loss - share * least, 1e-3);
                Try([Math.Log(share * least), Math.Log(rest) + exponent * Math.Log(parameters), exponent]);
            }
        }

        return best!;

        void Try(double[] start)
        {
            var (at, value) = Minimise(candidate => Objective(candidate, points), start, iterations);
            if (best is null || value < best.Objective)
            {
                best = new ScalingLaw(Math.Exp(at[0]), Math.Exp(at[1]), at[2], value);
            }
        }
    }

    /// <summary>Draws points with replacement and gives the middle share of the exponents.</summary>
    /// <param name="points">Sizes and losses.</param>
    /// <param name="samples">How many samples; those of fewer than four sizes are drawn again.</param>
    /// <param name="confidence">The share inside.</param>
    /// <param name="random">Draws.</param>
    /// <exception cref="ArgumentException">There are fewer than four sizes.</exception>
    public static (double Low, double High) Exponents(
        IReadOnlyList<(double Parameters, double Loss)> points, int samples, double confidence, Random random)
    {
        if (points.Select(point => point.Parameters).Distinct().Count() < 4)
        {
            throw new ArgumentException("Expected at least four sizes.", nameof(points));
        }

        var whole = Fit(points);
        double[] exponents = [.. Enumerable.Range(0, samples).Select(_ =>
        {
            (double Parameters, double Loss)[] drawn;
            do
            {
                drawn = [.. points.Select(_ => points[random.Next(points.Count)])];
            }
            while (drawn.Select(point => point.Parameters).Distinct().Count() < 4);

            return Fit(drawn, [0.1, 0.5, 0.95], [0.05, 0.3, 1], 1_000, whole).Exponent;
        }).Order()];
        double tail = (1 - confidence) / 2;
        return (exponents[(int)(tail * (samples - 1))], exponents[(int)Math.Ceiling((1 - tail) * (samples - 1))]);
    }

    private static double Objective(double[] at, IReadOnlyList<(double Parameters, double Loss)> points)
    {
        double sum = 0;
        foreach (var (parameters, loss) in points)
        {
            double predicted = Math.Exp(at[0]) + Math.Exp(at[1] - at[2] * Math.Log(parameters));
            double error = Math.Abs(Math.Log(predicted) - Math.Log(loss));
            sum += error <= Delta ? error * error / 2 : Delta * (error - Delta / 2);
        }

        return double.IsFinite(sum) ? sum : double.MaxValue;
    }

    private static (double[] At, double Value) Minimise(Func<double[], double> f, double[] start, int iterations)
    {
        double[][] simplex = [start, .. Enumerable.Range(0, start.Length).Select(i =>
        {
            double[] moved = [.. start];
            moved[i] += Math.Max(0.1, Math.Abs(moved[i]) * 0.1);
            return moved;
        })];
        double[] values = [.. simplex.Select(f)];
        for (int iteration = 0; iteration < iterations; iteration++)
        {
            Array.Sort(values, simplex);
            if (values[^1] - values[0] < 1e-16)
            {
                break;
            }

            double[] centre = [.. Enumerable.Range(0, start.Length).Select(i => simplex[..^1].Average(point => point[i]))];
            double[] Along(double share) => [.. centre.Zip(simplex[^1], (c, worst) => c + share * (worst - c))];
            var (reflected, reflectedValue) = Try(Along(-1));
            var (other, otherValue) = reflectedValue < values[0] ? Try(Along(-2))
                : reflectedValue < values[^2] ? (reflected, reflectedValue)
                : Try(Along(reflectedValue < values[^1] ? -0.5 : 0.5));
            if (reflectedValue < otherValue)
            {
                (other, otherValue) = (reflected, reflectedValue);
            }

            if (otherValue < values[^1])
            {
                (simplex[^1], values[^1]) = (other, otherValue);
                continue;
            }

            for (int i = 1; i < simplex.Length; i++)
            {
                simplex[i] = [.. simplex[0].Zip(simplex[i], (best, point) => (best + point) / 2)];
                values[i] = f(simplex[i]);
            }
        }

        Array.Sort(values, simplex);
        return (simplex[0], values[0]);

        (double[] At, double Value) Try(double[] at) => (at, f(at));
    }
}

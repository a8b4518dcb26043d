using System.Diagnostics;

namespace MiniOneRec.Measuring;

/// <summary>Repeated timings of one piece of work.</summary>
/// <remarks>Machines are shared and clocks vary: compare <see cref="Ratio"/>s taken in one run rather than absolute times.</remarks>
public sealed class Timing
{
    private readonly TimeSpan[] _sorted;

    private Timing(IEnumerable<TimeSpan> times) => _sorted = [.. times.Order()];

    /// <summary>Gets the median.</summary>
    public TimeSpan Median => Quantile(0.5);

    /// <summary>Gets the fastest repeat.</summary>
    public TimeSpan Fastest => _sorted[0];

    /// <summary>Gets the distance between the quartiles as a share of the median.</summary>
    public double Spread => (Quantile(0.75) - Quantile(0.25)) / Median;

    /// <summary>Gets the number of repeats.</summary>
    public int Repeats => _sorted.Length;

    /// <summary>Times work.</summary>
    /// <param name="work">The work.</param>
    /// <param name="repeats">Timed runs, at least 1.</param>
    /// <param name="warmUp">Runs before the first timed one.</param>
    public static Timing Measure(Action work, int repeats = 9, int warmUp = 2)
    {
        ArgumentNullException.ThrowIfNull(work);
        ArgumentOutOfRangeException.ThrowIfLessThan(repeats, 1);

        Warm(work, warmUp);
        var times = new TimeSpan[repeats];
        for (int i = 0; i < repeats; i++)
        {
            times[i] = Once(work);
        }

        return new Timing(times);
    }

    /// <summary>Times two pieces of work in turns, so that what slows the machine slows both.</summary>
    /// <param name="baseline">The way that is compared against.</param>
    /// <param name="candidate">The way whose speed-up is asked for.</param>
    /// <param name="repeats">Timed pairs, at least 1.</param>
    /// <param name="warmUp">Pairs before the first timed one.</param>
    /// <returns>Both timings, and the median over the pairs of baseline time / candidate time: above 1 the candidate is faster.</returns>
    public static (Timing Baseline, Timing Candidate, double SpeedUp) Ratio(Action baseline, Action candidate, int repeats = 9,
        int warmUp = 2)
    {
        ArgumentNullException.ThrowIfNull(baseline);
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentOutOfRangeException.ThrowIfLessThan(repeats, 1);

        Warm(baseline, warmUp);
        Warm(candidate, warmUp);
        var first = new TimeSpan[repeats];
        var second = new TimeSpan[repeats];
        for (int i = 0; i < repeats; i++)
        {
            first[i] = Once(baseline);
            second[i] = Once(candidate);
        }

        double[] ratios = [.. first.Zip(second, (a, b) => a / b).Order()];
        return (new Timing(first), new Timing(second), ratios.Length % 2 == 1
            ? ratios[ratios.Length / 2]
            : (ratios[ratios.Length / 2 - 1] + ratios[ratios.Length / 2]) / 2);
    }

    /// <summary>Times one run.</summary>
    /// <param name="work">The work.</param>
    public static TimeSpan Once(Action work)
    {
        ArgumentNullException.ThrowIfNull(work);
        long start = Stopwatch.GetTimestamp();
        work();
        return Stopwatch.GetElapsedTime(start);
    }

    private static void Warm(Action work, int times)
    {
        for (int i = 0; i < times; i++)
        {
            work();
        }
    }

    private TimeSpan Quantile(double q)
    {
        double at = q * (_sorted.Length - 1);
        int below = (int)at;
        int above = Math.Min(below + 1, _sorted.Length - 1);
        return _sorted[below] + (at - below) * (_sorted[above] - _sorted[below]);
    }
}

using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace MiniOneRec.Reinforcement;

/// <summary>The figures of each step as instruments <c>minionerec.{stage}.{figure}</c>; rewards and phases are tags.</summary>
/// <param name="stage">The stage.</param>
internal sealed class PolicyInstruments(string stage)
{
    private static readonly Meter Meter = new("MiniOneRec.Reinforcement");
    private static readonly ConcurrentDictionary<string, Gauge<double>> Gauges = new(StringComparer.Ordinal);

    public void Record(IReadOnlyDictionary<string, double> metrics)
    {
        foreach (var (key, value) in metrics)
        {
            if (!double.IsFinite(value))
            {
                continue;
            }

            int slash = key.IndexOf('/', StringComparison.Ordinal);
            var gauge = Gauge(slash < 0 ? key : key[..slash]);
            if (slash < 0)
            {
                gauge.Record(value);
            }
            else
            {
                gauge.Record(value, new KeyValuePair<string, object?>(key.StartsWith("seconds", StringComparison.Ordinal) ? "phase" : "reward", key[(slash + 1)..]));
            }
        }
    }

#pragma warning disable CA1308 // Instrument names are lower-case by convention.
    private Gauge<double> Gauge(string figure) => Gauges.GetOrAdd(
        $"minionerec.{stage}.{figure.ToLowerInvariant().Replace('@', '_')}",
        name => Meter.CreateGauge<double>(name, figure == "seconds" ? "s" : "1"));
#pragma warning restore CA1308
}

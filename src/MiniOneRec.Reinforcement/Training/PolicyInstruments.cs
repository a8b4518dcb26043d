using System.Diagnostics.Metrics;

namespace MiniOneRec.Reinforcement;

/// <summary>The figures of each step as instruments <c>minionerec.{stage}.{figure}</c>; rewards and phases are tags.</summary>
/// <param name="stage">The stage.</param>
internal sealed class PolicyInstruments(string stage)
{
    private static readonly Meter Meter = new("MiniOneRec.Reinforcement");
    private readonly Dictionary<string, Gauge<double>> _gauges = new(StringComparer.Ordinal);

    public void Record(IReadOnlyDictionary<string, double> metrics)
    {
        foreach (var (key, value) in metrics)
        {
            if (!double.IsFinite(value))
            {
                continue;
            }

            if (key.StartsWith("reward.", StringComparison.Ordinal))
            {
                bool deviation = key.EndsWith(".deviation", StringComparison.Ordinal);
                string reward = deviation ? key[7..^10] : key[7..];
                Gauge(deviation ? "reward.deviation" : "reward").Record(value, new KeyValuePair<string, object?>("reward", reward));
            }
            else if (key.StartsWith("seconds.", StringComparison.Ordinal))
            {
                Gauge("phase", "s").Record(value, new KeyValuePair<string, object?>("phase", key[8..]));
            }
            else
            {
                Gauge(key is "reward" or "reward-deviation" ? key.Replace("reward", "total_reward", StringComparison.Ordinal) : key).Record(value);
            }
        }
    }

    private Gauge<double> Gauge(string figure, string unit = "1")
    {
        if (!_gauges.TryGetValue(figure, out var gauge))
        {
#pragma warning disable CA1308 // Instrument names are lower-case by convention.
            gauge = Meter.CreateGauge<double>($"minionerec.{stage}.{figure.ToLowerInvariant().Replace('-', '_').Replace('@', '_')}", unit);
#pragma warning restore CA1308
            _gauges.Add(figure, gauge);
        }

        return gauge;
    }
}

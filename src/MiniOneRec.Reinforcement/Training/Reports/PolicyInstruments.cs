using System.Diagnostics.Metrics;

namespace MiniOneRec.Reinforcement;

/// <summary>The figures of each step as instruments <c>minionerec.{stage}.{figure}</c>; rewards and phases are tags.</summary>
internal sealed class PolicyInstruments : IDisposable
{
    private readonly string _stage;
    private readonly Meter? _own;
    private readonly Meter _meter;
    private readonly Dictionary<string, Gauge<double>> _gauges = new(StringComparer.Ordinal);

    /// <summary>Makes the instruments of one run.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="meters">The container's factory, which then owns the meter, or <see langword="null"/> for a meter of its own.</param>
    public PolicyInstruments(string stage, IMeterFactory? meters)
    {
        _stage = stage;
        _meter = meters?.Create("MiniOneRec.Reinforcement") ?? (_own = new Meter("MiniOneRec.Reinforcement"));
    }

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
                gauge.Record(value, new KeyValuePair<string,
                    object?>(key.StartsWith("seconds", StringComparison.Ordinal) ? "phase" : "reward", key[(slash + 1)..]));
            }
        }
    }

    public void Dispose() => _own?.Dispose();

#pragma warning disable CA1308 // Instrument names are lower-case by convention.
    private Gauge<double> Gauge(string figure)
    {
        string name = $"minionerec.{_stage}.{figure.ToLowerInvariant().Replace('@', '_')}";
        return _gauges.TryGetValue(name, out var gauge) ? gauge
            : _gauges[name] = _meter.CreateGauge<double>(name, figure == "seconds" ? "s" : "1");
    }
#pragma warning restore CA1308
}

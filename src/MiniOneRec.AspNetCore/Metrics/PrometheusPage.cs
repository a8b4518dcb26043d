using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace MiniOneRec.AspNetCore;

/// <summary>Sums the measurements of the container's own meters and writes them in Prometheus' text format 0.0.4.</summary>
/// <remarks>
/// Names have <c>_</c> for <c>.</c>, counters end in <c>_total</c>, seconds in <c>_seconds</c>, bytes in <c>_bytes</c>. A series more than
/// <see cref="MostSeries"/> of one instrument is
/// counted in <c>minionerec_metrics_dropped_total</c> and left out.
/// </remarks>
internal sealed class PrometheusPage : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const int MostSeries = 2_000;
    private static readonly double[] Seconds = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10];
    private static readonly double[] Counts = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
    private static readonly double[] Shares = [0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1];

    private readonly MeterListener _listener = new();
    private readonly Lock _gate = new();
    private readonly Lock _writing = new();
    private readonly SortedDictionary<string, Family> _families = new(StringComparer.Ordinal);
    private long _dropped;

    public PrometheusPage(IMeterFactory meters)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, meters) && instrument.Meter.Name.StartsWith("MiniOneRec.",
                StringComparison.Ordinal))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>Writes the page.</summary>
    public string Write()
    {
        lock (_writing)
        {
            return WriteOnce();
        }
    }

    public void Dispose() => _listener.Dispose();

    private string WriteOnce()
    {
        lock (_gate)
        {
            foreach (var family in _families.Values.Where(family => family.IsObserved))
            {
                family.Series.Clear();                              // a series that is observed no longer is gone
            }
        }

        _listener.RecordObservableInstruments();
        var text = new StringBuilder();
        lock (_gate)
        {
            foreach (var (name, family) in _families)
            {
                family.Write(name, text);
            }

            text.Append("# TYPE minionerec_metrics_dropped_total counter\nminionerec_metrics_dropped_total ")
                .Append(_dropped.ToString(CultureInfo.InvariantCulture)).Append('\n');
        }

        return text.ToString();
    }

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string labels = Labels(tags);
        lock (_gate)
        {
            string name = NameOf(instrument);
            if (!_families.TryGetValue(name, out var family))
            {
                _families[name] = family = new Family(instrument);
            }

            if (!family.Series.TryGetValue(labels, out var series))
            {
                if (family.Series.Count >= MostSeries)
                {
                    _dropped++;
                    return;
                }

                family.Series[labels] = series = new Series(family.Bounds.Length);
            }

            family.Add(series, value);
        }
    }

    private static string NameOf(Instrument instrument)
    {
        string name = instrument.Name.Replace('.', '_'), unit = instrument.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        return name + unit + (IsCounter(instrument) ? "_total" : "");
    }

    private static bool IsCounter(Instrument instrument) => instrument.GetType().Name.StartsWith("Counter", StringComparison.Ordinal)
        || instrument.GetType().Name.StartsWith("ObservableCounter", StringComparison.Ordinal);

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.Length == 0)
        {
            return "";
        }

        var text = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            text.Append(text.Length == 0 ? "" : ",").Append(key.Replace('.', '_')).Append("=\"");
            foreach (char c in Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")
            {
                text.Append(c switch { '\\' => "\\\\", '"' => "\\\"", '\n' => "\\n", _ => c.ToString() });
            }

            text.Append('"');
        }

        return text.ToString();
    }

    /// <summary>One instrument with its series.</summary>
    private sealed class Family(Instrument instrument)
    {
        private readonly bool _histogram = instrument.GetType().Name.StartsWith("Histogram", StringComparison.Ordinal);

        public bool IsObserved => instrument.IsObservable;

        public double[] Bounds { get; } = instrument.Unit switch { "s" => Seconds, "1" => Shares, _ => Counts };

        public Dictionary<string, Series> Series { get; } = new(StringComparer.Ordinal);

        public void Add(Series series, double value)
        {
            series.Count++;
            series.Sum = IsObserved ? value : series.Sum + value;
            if (_histogram)
            {
                int bucket = Array.FindIndex(Bounds, bound => value <= bound);
                if (bucket >= 0)
                {
                    series.Buckets[bucket]++;
                }
            }
        }

        public void Write(string name, StringBuilder text)
        {
            text.Append("# HELP ").Append(name).Append(' ').Append(instrument.Description).Append("\n# TYPE ").Append(name).Append(' ')
                .Append(_histogram ? "histogram" : IsCounter(instrument) ? "counter" : "gauge").Append('\n');
            foreach (var (labels, series) in Series.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                if (!_histogram)
                {
                    Line(text, name, labels, series.Sum);
                    continue;
                }

                string before = labels.Length == 0 ? "" : labels + ",";
                long sum = 0;
                for (int i = 0; i < Bounds.Length; i++)
                {
                    sum += series.Buckets[i];
                    Line(text, name + "_bucket", $"{before}le=\"{Bounds[i].ToString(CultureInfo.InvariantCulture)}\"", sum);
                }

                Line(text, name + "_bucket", $"{before}le=\"+Inf\"", series.Count);
                Line(text, name + "_sum", labels, series.Sum);
                Line(text, name + "_count", labels, series.Count);
            }
        }

        private static void Line(StringBuilder text, string name, string labels, double value) => text.Append(name)
            .Append(labels.Length == 0 ? "" : "{").Append(labels).Append(labels.Length == 0 ? " " : "} ")
            .Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
    }

    /// <summary>What was measured under one set of labels.</summary>
    private sealed class Series(int buckets)
    {
        public long[] Buckets { get; } = new long[buckets];

        public long Count { get; set; }

        public double Sum { get; set; }
    }
}

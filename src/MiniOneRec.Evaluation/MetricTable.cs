using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace MiniOneRec.Evaluation;

/// <summary>Figures by metric and cutoff, with their intervals.</summary>
[JsonConverter(typeof(MetricTableJsonConverter))]
public sealed class MetricTable
{
    /// <summary>Makes a table.</summary>
    /// <param name="values">Figures by name, for example <c>NDCG@10</c>.</param>
    /// <param name="intervals">Intervals by the same names; may be empty.</param>
    public MetricTable(IReadOnlyDictionary<string, double> values, IReadOnlyDictionary<string, Interval>? intervals = null)
    {
        ArgumentNullException.ThrowIfNull(values);
        Values = values;
        Intervals = intervals ?? new Dictionary<string, Interval>();
    }

    /// <summary>Gets the figures by name, in the order of metrics and cutoffs.</summary>
    public IReadOnlyDictionary<string, double> Values { get; }

    /// <summary>Gets the intervals by name; empty where no bootstrap was run.</summary>
    public IReadOnlyDictionary<string, Interval> Intervals { get; }

    /// <summary>Gets one figure.</summary>
    /// <param name="metric">The metric's name, for example <c>NDCG</c>.</param>
    /// <param name="cutoff">K.</param>
    /// <exception cref="KeyNotFoundException">It was not measured; the message lists what was.</exception>
    [SuppressMessage("Design", "CA1043", Justification = "A metric is addressed by its name and cutoff.")]
    public double this[string metric, int cutoff] => Values.TryGetValue(RankingMetrics.Key(metric, cutoff), out double value)
        ? value
        : throw new KeyNotFoundException(
            $"'{RankingMetrics.Key(metric, cutoff)}' was not measured; there are {string.Join(", ", Values.Keys)}.");
}

/// <summary>A bootstrap interval.</summary>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end.</param>
[JsonConverter(typeof(IntervalJsonConverter))]
public readonly record struct Interval(double Low, double High);

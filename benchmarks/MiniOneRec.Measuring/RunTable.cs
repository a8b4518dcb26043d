using System.Globalization;

namespace MiniOneRec.Measuring;

/// <summary>Figures of several runs side by side, with their medians.</summary>
/// <param name="columns">The figures, as a row of the table shows them.</param>
public sealed class RunTable(params IReadOnlyList<string> columns)
{
    private readonly List<(string Kind, double[] Values)> _rows = [];

    /// <summary>Adds a run.</summary>
    /// <param name="kind">What ran, for example a precision; runs of one kind stand below each other.</param>
    /// <param name="values">One value for each column.</param>
    /// <exception cref="ArgumentException">There are more or fewer values than columns.</exception>
    public void Add(string kind, params double[] values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Length != columns.Count)
        {
            throw new ArgumentException($"The run has {values.Length} values; the table has {columns.Count} columns.", nameof(values));
        }

        _rows.Add((kind, values));
    }

    /// <summary>Gets the median of each column over the runs of each kind, in the order in which the kinds came.</summary>
    public IReadOnlyList<(string Kind, int Runs, IReadOnlyList<double> Values)> Medians() =>
    [
        .. _rows.GroupBy(row => row.Kind).Select(kind => (kind.Key, kind.Count(),
            (IReadOnlyList<double>)[.. columns.Select((_, column) => Median([.. kind.Select(row => row.Values[column])]))])),
    ];

    /// <summary>Gets the lines of a Markdown table: each run, then the median of its kind.</summary>
    public IReadOnlyList<string> Markdown()
    {
        List<string> lines = [Line("", columns), Line("---", [.. columns.Select(_ => "---")])];
        foreach (var (kind, runs, medians) in Medians())
        {
            var values = _rows.Where(row => row.Kind == kind).Select(row => row.Values).ToArray();
            lines.AddRange(values.Select((run, i) => Line($"{kind}, run {i + 1}", [.. run.Select(Text)])));
            if (runs > 1)
            {
                lines.Add(Line($"{kind}, median", [.. medians.Select(value => $"**{Text(value)}**")]));
            }
        }

        return lines;
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return (values[values.Length / 2] + values[(values.Length - 1) / 2]) / 2;
    }

    private static string Text(double value) => value >= 100 ? value.ToString("0", CultureInfo.InvariantCulture)
        : value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Line(string name, IEnumerable<string> cells) => $"| {name} | {string.Join(" | ", cells)} |";
}

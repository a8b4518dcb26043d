using System.Globalization;
using System.Text;

namespace MiniOneRec.Experiments;

/// <summary>A Markdown table that is made of runs: one row per group of runs, one column per figure, means over the runs of a
/// group.</summary>
/// <param name="Experiment">The experiment whose runs are shown.</param>
/// <param name="Title">The heading.</param>
/// <param name="Command">The command that makes the runs.</param>
/// <param name="Rows">Gives the rows of a run: the row's label and the prefix of its figures' names.</param>
/// <param name="Columns">The figures and how they are written.</param>
internal sealed record ResultTable(
    string Experiment, string Title, string Command, Func<RunRecord, IEnumerable<(string Label, string Prefix)>> Rows,
    IReadOnlyList<ResultColumn> Columns)
{
    /// <summary>Writes the table.</summary>
    /// <param name="runs">The runs of the experiment.</param>
    public string ToMarkdown(IReadOnlyList<RunRecord> runs)
    {
        var text = new StringBuilder($"## {Title}\n\n```\n{Command}\n```\n\n");
        if (runs.Count == 0)
        {
            return text.Append("No run is recorded.\n").ToString();
        }

        text.Append('|').AppendJoin('|', Columns.Select(column => $" {column.Header} ").Prepend(" run ").Append(" runs ")).Append("|\n");
        text.Append('|').AppendJoin('|', Enumerable.Repeat("---", Columns.Count + 2)).Append("|\n");
        foreach (var group in runs.SelectMany(run => Rows(run).Select(row => (row.Label, row.Prefix, Run: run))).GroupBy(row => row.Label))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {group.Key} |");
            foreach (var column in Columns)
            {
                double[] values = [.. group.Select(row => row.Run.Figures.GetValueOrDefault(row.Prefix + column.Figure, double.NaN))
                    .Where(double.IsFinite)];
                text.Append(CultureInfo.InvariantCulture, $" {(values.Length == 0 ? "–" : column.Format(values.Average()))} |");
            }

            text.Append(CultureInfo.InvariantCulture, $" {group.Count()} |\n");
        }

        string[] machines =
            [.. runs.Select(run => $"{run.Machine.Processor}, {run.Machine.Threads} threads, {run.Machine.Device}").Distinct()];
        string[] revisions = [.. runs.Select(run => run.Revision?[..Math.Min(8, run.Revision.Length)] ?? "unknown").Distinct()];
        return text.Append(CultureInfo.InvariantCulture,
            $"\nMachine: {string.Join("; ", machines)}. Revision: {string.Join(", ", revisions)}.\n").ToString();
    }
}

/// <summary>A column of a <see cref="ResultTable"/>.</summary>
/// <param name="Header">The heading.</param>
/// <param name="Figure">The figure's name after the row's prefix.</param>
/// <param name="Digits">Decimal places; a share below 1 is written without its leading zero.</param>
internal sealed record ResultColumn(string Header, string Figure, int Digits = 4)
{
    /// <summary>Writes a value.</summary>
    public string Format(double value)
    {
        string text = value.ToString("F" + Digits.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return Digits > 0 && Math.Abs(value) < 1 ? text.Replace("0.", ".", StringComparison.Ordinal) : text;
    }
}

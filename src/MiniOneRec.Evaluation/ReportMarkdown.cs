using System.Globalization;
using System.Text;

namespace MiniOneRec.Evaluation;

/// <summary>Reports as Markdown, figures with four decimals.</summary>
internal static class ReportMarkdown
{
    public static string Write(EvaluationReport report)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"### {report.Name}, {report.Examples} examples").AppendLine();
        Row(text, ["metric", "item level", .. report.Sid is null ? Array.Empty<string>() : ["SID level"], .. report.Slices.Select(slice => slice.Name)]);
        Rule(text, 2 + (report.Sid is null ? 0 : 1) + report.Slices.Count);
        foreach (string key in report.Item.Values.Keys)
        {
            Row(text, [
                key,
                Cell(report.Item, key),
                .. report.Sid is null ? Array.Empty<string>() : [Cell(report.Sid, key)],
                .. report.Slices.Select(slice => Figure(slice.Item.Values[key])),
            ]);
        }

        text.AppendLine();
        if (report.Slices.Count > 0)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"Slices: {string.Join(", ", report.Slices.Select(slice => $"{slice.Name} {slice.Items} items, {slice.Examples} examples"))}.");
        }

        if (report.Coverage.Count > 0)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"Coverage: {string.Join(", ", report.Coverage.Select(pair => $"@{pair.Key} {pair.Value.ToString("P1", CultureInfo.InvariantCulture)}"))}.");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"Invalid predictions {report.InvalidPredictions}, ambiguous predictions {report.AmbiguousPredictions}, ambiguous targets {report.AmbiguousTargets}, unknown history items {report.SkippedHistoryItems}, shortfall {report.Shortfall}.");
        return text.ToString();
    }

    public static string Write(ComparisonReport report)
    {
        var text = new StringBuilder();
        string[] keys = [.. report.Models.SelectMany(model => model.Item.Keys).Distinct()];
        text.AppendLine(CultureInfo.InvariantCulture, $"### {report.Dataset}, split {report.Split}, seed {report.Seed}: strict item level").AppendLine();
        Row(text, ["model", "parameters", "seconds", .. keys]);
        Rule(text, 3 + keys.Length);
        foreach (var model in report.Models)
        {
            Row(text, [model.Name, Count(model.Parameters), model.Seconds.ToString("F1", CultureInfo.InvariantCulture), .. keys.Select(key => Value(model.Item, key))]);
        }

        if (report.Models.Any(model => model.Sid is not null))
        {
            text.AppendLine().AppendLine("SID level:").AppendLine();
            Row(text, ["model", .. keys]);
            Rule(text, 1 + keys.Length);
            foreach (var model in report.Models.Where(model => model.Sid is not null))
            {
                Row(text, [model.Name, .. keys.Select(key => Value(model.Sid!, key))]);
            }
        }

        return text.ToString();
    }

    private static string Cell(MetricTable table, string key) => table.Intervals.TryGetValue(key, out var interval)
        ? $"{Figure(table.Values[key])} [{Figure(interval.Low)}, {Figure(interval.High)}]"
        : Figure(table.Values[key]);

    private static string Value(IReadOnlyDictionary<string, double> figures, string key) => figures.TryGetValue(key, out double value) ? Figure(value) : "";

    private static string Figure(double value) => value.ToString("F4", CultureInfo.InvariantCulture);

    private static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static void Row(StringBuilder text, IReadOnlyList<string> cells) => text.Append("| ").AppendJoin(" | ", cells).AppendLine(" |");

    private static void Rule(StringBuilder text, int columns) =>
        text.Append("|---|").Insert(text.Length, "---:|", columns - 1).AppendLine();
}

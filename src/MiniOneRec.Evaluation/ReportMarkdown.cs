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
        Row(text, ["metric", "item level", .. report.Sid is null ? Array.Empty<string>() : ["SID level"],
            .. report.Slices.Select(slice => slice.Name)]);
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
        Targets(text, report);
        if (report.Slices.Count > 0)
        {
            var slices = report.Slices.Select(slice => $"{slice.Name} {slice.Items} items, {slice.Examples} examples");
            text.AppendLine(CultureInfo.InvariantCulture, $"Slices: {string.Join(", ", slices)}.");
        }

        if (report.Coverage.Count > 0)
        {
            var shares = report.Coverage.Select(pair => string.Create(CultureInfo.InvariantCulture, $"@{pair.Key} {pair.Value:P1}"));
            text.AppendLine(CultureInfo.InvariantCulture, $"Coverage: {string.Join(", ", shares)}.");
        }

        text.AppendLine(
            CultureInfo.InvariantCulture,
            $"Invalid predictions {report.InvalidPredictions}, ambiguous predictions {report.AmbiguousPredictions}, "
            + $"ambiguous targets {report.AmbiguousTargets}, "
            + $"unknown history items {report.SkippedHistoryItems}, shortfall {report.Shortfall}.");
        return text.ToString();
    }

    public static string Write(ComparisonReport report)
    {
        var text = new StringBuilder();
        string[] keys = [.. report.Models.SelectMany(model => model.Item.Keys).Distinct()];
        text.AppendLine(CultureInfo.InvariantCulture, $"### {report.Dataset}, split {report.Split}, seed {report.Seed}: strict item level")
            .AppendLine();
        Row(text, ["model", "parameters", "seconds", .. keys]);
        Rule(text, 3 + keys.Length);
        foreach (var model in report.Models)
        {
            Row(text, [model.Name, Count(model.Parameters), model.Seconds.ToString("F1", CultureInfo.InvariantCulture),
                .. keys.Select(key => Value(model.Item, key))]);
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

        Targets(text, report);
        return text.ToString();
    }

    /// <summary>A row for all targets but the most frequent one, and one for cold targets, at the last cutoff.</summary>
    private static void Targets(StringBuilder text, EvaluationReport report)
    {
        string[] keys = [.. LastCutoff(report.Item.Values.Keys)];
        Row(text, ["targets", "examples", .. keys]);
        Rule(text, 2 + keys.Length);
        void Add(string name, int examples, MetricTable table) =>
            Row(text, [name, Count(examples), .. keys.Select(key => Value(table.Values, key))]);
        Add("all", report.Examples, report.Item);
        if (report.WithoutTopTarget is { } others)
        {
            Add($"all but {others.Target}", others.Examples, others.Item);
        }

        if (report.Cold is { } cold)
        {
            Add(cold.Name, cold.Examples, cold.Item);
        }

        text.AppendLine();
    }

    /// <summary>One row a model, one column a kind of target, hit rate and NDCG in a cell.</summary>
    private static void Targets(StringBuilder text, ComparisonReport report)
    {
        var with = report.Models.Where(model => model.WithoutTopTarget is not null || model.Cold is not null
            || model.Slices is { Count: > 0 }).ToArray();
        if (with.Length == 0)
        {
            return;
        }

        string[] keys = [.. LastCutoff(with[0].Item.Keys).Take(2)];
        string[] slices = [.. with.SelectMany(model => model.Slices ?? []).Select(slice => slice.Name).Distinct()];
        string top = with.Select(model => model.WithoutTopTarget?.Target).FirstOrDefault(target => target is not null)
            ?? "the most frequent";
        text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"By target, {string.Join(" / ", keys)}:").AppendLine();
        Row(text, ["model", $"all but {top}", .. slices, "cold"]);
        Rule(text, 3 + slices.Length);
        string Figures(IReadOnlyDictionary<string, double>? figures) => figures is null ? ""
            : string.Join(" / ", keys.Select(key => Value(figures, key)));
        foreach (var model in with)
        {
            Row(text, [
                model.Name,
                Figures(model.WithoutTopTarget?.Item.Values),
                .. slices.Select(name => Figures(model.Slices?.FirstOrDefault(slice => slice.Name == name)?.Item.Values)),
                model.Cold is { Examples: > 0 } cold ? Figures(cold.Item.Values) : "",
            ]);
        }
    }

    /// <summary>The figures at the largest cutoff up to 10, else at the smallest.</summary>
    private static IEnumerable<string> LastCutoff(IEnumerable<string> keys)
    {
        var cutoffs = keys.Select(key => (Key: key,
            Cutoff: int.TryParse(key[(key.LastIndexOf('@') + 1)..], CultureInfo.InvariantCulture, out int cutoff) ? cutoff : 0)).ToArray();
        int chosen = cutoffs.Select(entry => entry.Cutoff).Where(cutoff => cutoff <= 10)
            .DefaultIfEmpty(cutoffs.Select(entry => entry.Cutoff).DefaultIfEmpty(0).Min()).Max();
        return cutoffs.Where(entry => entry.Cutoff == chosen).Select(entry => entry.Key);
    }

    private static string Cell(MetricTable table, string key) => table.Intervals.TryGetValue(key, out var interval)
        ? $"{Figure(table.Values[key])} [{Figure(interval.Low)}, {Figure(interval.High)}]"
        : Figure(table.Values[key]);

    private static string Value(IReadOnlyDictionary<string, double> figures, string key) => figures.TryGetValue(key, out double value)
        ? Figure(value) : "";

    private static string Figure(double value) => value.ToString("F4", CultureInfo.InvariantCulture);

    private static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static void Row(StringBuilder text, IReadOnlyList<string> cells) => text.Append("| ").AppendJoin(" | ", cells).AppendLine(" |");

    private static void Rule(StringBuilder text, int columns) =>
        text.Append("|---|").Insert(text.Length, "---:|", columns - 1).AppendLine();
}

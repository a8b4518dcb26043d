using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Evaluation;
using MiniOneRec.Tokenization;
using MiniOneRec.Training;

namespace MiniOneRec.Recipes;

/// <summary>Writes a comparison as one HTML page without scripts, fonts or images from elsewhere.</summary>
public static class HtmlReport
{
    private static readonly string[] Figures = ["HR@1", "HR@5", "HR@10", "NDCG@10"];

    /// <summary>Writes the page.</summary>
    /// <param name="report">The figures of all models.</param>
    /// <param name="content">What else the page shows, or <see langword="null"/>.</param>
    public static string Write(ComparisonReport report, HtmlReportContent? content = null)
    {
        ArgumentNullException.ThrowIfNull(report);
        var page = new StringBuilder();
        string title = Text($"{report.Dataset}: recommendation report");
        page.Append(CultureInfo.InvariantCulture,
            $"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
            + $"content=\"width=device-width\"><title>{title}</title>\n");
        page.Append("<style>").Append(Style).Append("</style></head><body><main>\n");
        page.Append(CultureInfo.InvariantCulture,
            $"<h1>{title}</h1><p>Split: {Text(report.Split)}. Seed: {report.Seed}. "
            + $"Figures are at the strict item level on the test rows.</p>\n");
        CutShort(page, report);
        Models(page, report);
        Slices(page, report);
        Curves(page, report);
        if (content?.SemanticIds is { } semanticIds)
        {
            page.Append(CultureInfo.InvariantCulture, $"<h2>Semantic IDs</h2><pre>{Text(semanticIds.ToString())}</pre>\n");
        }

        Examples(page, content?.Examples ?? []);
        return page.Append("</main></body></html>\n").ToString();
    }

    private const string Style =
        ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0}main{max-width:64rem;margin:auto;padding:1rem}"
        + "table{border-collapse:collapse;margin:1rem 0}th,td{padding:.3rem .7rem;border-bottom:1px solid "
        + "#8886;text-align:right}th:first-child,td:first-child{text-align:left}"
        + "tr.best{font-weight:600}pre{overflow:auto;padding:1rem;border:1px solid #8886}svg{width:100%;height:auto;border:1px solid "
        + "#8886}polyline{fill:none;stroke:#2b7de9;stroke-width:2}"
        + "svg text{font:12px system-ui,sans-serif;fill:currentColor}.hit{font-weight:600}";

    private static void CutShort(StringBuilder page, ComparisonReport report)
    {
        string[] stages = [.. (report.Details ?? new Dictionary<string, object>())
            .Where(stage => Node(stage.Value) is JsonObject details && details["stopReason"] is JsonValue reason
                && reason.TryGetValue(out string? why) && why == TrainingLoop.TimeOver).Select(stage => stage.Key)];
        if (stages.Length > 0)
        {
            page.Append(CultureInfo.InvariantCulture,
                $"<p>The budget of time ended before these were through with their plan: {Text(string.Join(", ", stages))}.</p>\n");
        }
    }

    private static void Models(StringBuilder page, ComparisonReport report)
    {
        string[] shown = [.. Figures.Where(figure => report.Models.Any(model => model.Item.ContainsKey(figure)))];
        page.Append("<h2>Models</h2><table><thead><tr><th scope=\"col\">model</th>");
        foreach (string figure in shown.Append("HR@10, 95 %").Append("train s"))
        {
            page.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\">{Text(figure)}</th>");
        }

        page.Append("</tr></thead><tbody>\n");
        double best = report.Models.Select(model => model.Item.GetValueOrDefault("NDCG@10")).DefaultIfEmpty().Max();
        foreach (var model in report.Models)
        {
            page.Append(CultureInfo.InvariantCulture,
                $"<tr{(model.Item.GetValueOrDefault("NDCG@10") == best ? " class=\"best\"" : "")}><th "
                + $"scope=\"row\">{Text(model.Name)}</th>");
            foreach (string figure in shown)
            {
                page.Append(CultureInfo.InvariantCulture, $"<td>{model.Item.GetValueOrDefault(figure):F4}</td>");
            }

            page.Append(model.Intervals.TryGetValue("HR@10", out var interval)
                ? string.Create(CultureInfo.InvariantCulture, $"<td>{interval.Low:F4}–{interval.High:F4}</td>")
                : "<td></td>");
            page.Append(CultureInfo.InvariantCulture, $"<td>{model.Seconds:F1}</td></tr>\n");
        }

        page.Append("</tbody></table>\n");
    }

    private static void Slices(StringBuilder page, ComparisonReport report)
    {
        string[] names = [.. report.Models.SelectMany(model => model.Slices ?? []).Select(slice => slice.Name).Distinct()];
        if (names.Length == 0)
        {
            return;
        }

        page.Append(
            "<h2>By popularity of the target</h2><p>HR@10 of the rows whose target is in the "
            + "slice.</p><table><thead><tr><th scope=\"col\">model</th>");
        foreach (string name in names)
        {
            page.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\">{Text(name)}</th>");
        }

        page.Append("</tr></thead><tbody>\n");
        foreach (var model in report.Models.Where(model => model.Slices is { Count: > 0 }))
        {
            page.Append(CultureInfo.InvariantCulture, $"<tr><th scope=\"row\">{Text(model.Name)}</th>");
            foreach (string name in names)
            {
                var slice = model.Slices!.FirstOrDefault(slice => slice.Name == name);
                page.Append(slice is not null && slice.Item.Values.TryGetValue("HR@10", out double value)
                    ? string.Create(CultureInfo.InvariantCulture, $"<td>{value:F4}</td>")
                    : "<td></td>");
            }

            page.Append("</tr>\n");
        }

        page.Append("</tbody></table>\n");
    }

    // The report's details hold the history of each training: points with a step and figures.
    private static void Curves(StringBuilder page, ComparisonReport report)
    {
        foreach (string stage in (string[])["sft", "grpo"])
        {
            if (report.Details is null || !report.Details.TryGetValue(stage, out object? details)
                || Node(details)?["history"] is not JsonArray history)
            {
                continue;
            }

            foreach (string figure in (string[])["loss", "reward", "NDCG@10"])
            {
                (double Step, double Value)[] points = [.. history.OfType<JsonObject>()
                    .Where(point => point[figure] is not null && point["step"] is not null)
                    .Select(point => (Number(point["step"]!), Number(point[figure]!)))];
                if (points.Length > 1)
                {
                    page.Append(CultureInfo.InvariantCulture,
                        $"<h2>{Text(stage)}: {Text(figure)}</h2>\n{Curve(points, $"{stage}: {figure} by step")}\n");
                }
            }
        }
    }

    private static string Curve((double Step, double Value)[] points, string label)
    {
        const double Width = 800, Height = 240, Edge = 40;
        double firstStep = points.Min(point => point.Step), lastStep = points.Max(point => point.Step);
        double low = points.Min(point => point.Value), high = points.Max(point => point.Value);
        double X(double step) => Edge + (Width - 2 * Edge) * (step - firstStep) / Math.Max(1, lastStep - firstStep);
        double Y(double value) => Height - Edge - (Height - 2 * Edge) * (value - low) / Math.Max(1e-12, high - low);
        string line = string.Join(' ',
            points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{X(point.Step):F1},{Y(point.Value):F1}")));
        return string.Create(CultureInfo.InvariantCulture,
            $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{Text(label)}\"><polyline points=\"{line}\"/>"
            + $"<text x=\"4\" y=\"{Edge}\">{high:G4}</text><text x=\"4\" y=\"{Height - Edge}\">{low:G4}</text>"
            + $"<text x=\"{Edge}\" y=\"{Height - 12}\">{firstStep:F0}</text><text x=\"{Width - 2 * Edge}\" "
            + $"y=\"{Height - 12}\">step {lastStep:F0}</text></svg>");
    }

    private static void Examples(StringBuilder page, IReadOnlyList<ReportExample> examples)
    {
        if (examples.Count == 0)
        {
            return;
        }

        page.Append("<h2>Examples</h2>\n");
        foreach (var example in examples)
        {
            page.Append(CultureInfo.InvariantCulture,
                $"<h3>{Text(string.Join(" → ", example.History))}</h3><p>Next in the data: {Text(example.Target)}</p><ol>\n");
            foreach (var (item, semanticId) in example.Recommended)
            {
                page.Append(CultureInfo.InvariantCulture,
                    $"<li{(item == example.Target ? " class=\"hit\"" : "")}>{Text(item)} <small>{Text(semanticId)}</small></li>\n");
            }

            page.Append("</ol>\n");
        }
    }

    // A node that was made of a whole number does not convert to a fraction by itself.
    private static double Number(JsonNode node) => double.Parse(node.ToJsonString(), CultureInfo.InvariantCulture);

    private static JsonNode? Node(object details) => details as JsonNode ?? JsonSerializer.SerializeToNode(details);

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}

/// <summary>What an <see cref="HtmlReport"/> shows besides the figures.</summary>
public sealed record HtmlReportContent
{
    /// <summary>Gets how the semantic IDs are used, or <see langword="null"/>.</summary>
    public SemanticIdReport? SemanticIds { get; init; }

    /// <summary>Gets test rows with what the model recommends.</summary>
    public IReadOnlyList<ReportExample> Examples { get; init; } = [];
}

/// <summary>A test row by titles.</summary>
/// <param name="History">The titles of the latest items, the most recent last.</param>
/// <param name="Target">The title of the item that followed.</param>
/// <param name="Recommended">Titles and semantic IDs of what the model recommends, the best first.</param>
public sealed record ReportExample(IReadOnlyList<string> History, string Target,
    IReadOnlyList<(string Title, string SemanticId)> Recommended);

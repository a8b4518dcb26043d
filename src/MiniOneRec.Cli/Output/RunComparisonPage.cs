using System.Globalization;
using System.Net;
using System.Text;
using MiniOneRec.Cli.Commands;
using ScottPlot;

namespace MiniOneRec.Cli.Output;

/// <summary>Writes two runs side by side as one HTML page and as PNG plots.</summary>
internal static class RunComparisonPage
{
    private const int Width = 900, Height = 480;

    private const string Style =
        ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0}main{max-width:72rem;margin:auto;padding:1rem}"
        + "table{border-collapse:collapse;margin:1rem 0}th,td{padding:.3rem .7rem;border-bottom:1px solid #8886;text-align:right}"
        + "th:first-child,td:first-child{text-align:left}"
        + "img{max-width:100%;height:auto;border:1px solid #8886}td.better{font-weight:600}";

    /// <summary>Writes the page and its plots into a folder.</summary>
    /// <param name="comparison">The runs.</param>
    /// <param name="folder">The folder, made where it is missing.</param>
    /// <param name="cancellationToken">Stops between files.</param>
    /// <returns>The page.</returns>
    public static async Task<string> SaveAsync(RunComparison comparison, string folder, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        var images = new List<(string Title, byte[] Png)>();
        foreach (var (file, title, draw) in Plots(comparison))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var plot = draw();
            byte[] png = plot.GetImageBytes(Width, Height, ImageFormat.Png);
            await AtomicFile.WriteAsync(
                Path.Combine(folder, file), stream => stream.WriteAsync(png, cancellationToken).AsTask(), cancellationToken);
            images.Add((title, png));
        }

        string path = Path.Combine(folder, "comparison.html");
        await AtomicFile.WriteTextAsync(path, Page(comparison, images), cancellationToken);
        return path;
    }

    private static IEnumerable<(string File, string Title, Func<Plot> Draw)> Plots(RunComparison comparison)
    {
        foreach (string figure in comparison.Shown.Where(figure => figure is "HR@10" or "NDCG@10"))
        {
            string name = figure.Replace("@", "", StringComparison.Ordinal).ToLowerInvariant();
            yield return ($"{name}.png", $"{figure} of each model", () => Bars(comparison, figure));
        }

        foreach (var (stage, figure) in ((string, string)[])[("sft", "loss"), ("sft", "NDCG@10"), ("grpo", "reward"), ("grpo", "NDCG@10")])
        {
            if (comparison.First.Curve(stage, figure).Count + comparison.Second.Curve(stage, figure).Count > 0)
            {
                string name = $"{stage}-{figure.Replace("@", "", StringComparison.Ordinal).ToLowerInvariant()}.png";
                yield return (name, $"{stage}: {figure} by step", () => Curves(comparison, stage, figure));
            }
        }
    }

    private static Plot Bars(RunComparison comparison, string figure)
    {
        var plot = new Plot();
        int column = comparison.Shown.Index().First(shown => shown.Item == figure).Index;
        var models = comparison.Models().ToArray();
        foreach (var (side, run) in new[] { comparison.First, comparison.Second }.Index())
        {
            Bar[] bars = [.. models.Select((row, place) => (Place: place, Row: row,
                Value: side == 0 ? row.Values[column].First : row.Values[column].Second))
                .Where(bar => bar.Value is not null).Select(bar => new Bar
            {
                Position = bar.Place * 3 + side, Value = bar.Value!.Value,
                Error = run.Interval(bar.Row.Model, figure) is { } interval ? (interval.High - interval.Low) / 2 : 0,
            })];
            plot.Add.Bars(bars).LegendText = run.Name;
        }

        plot.Axes.Bottom.SetTicks([.. models.Select((_, place) => place * 3 + 0.5)], [.. models.Select(row => row.Model)]);
        plot.Axes.Bottom.TickLabelStyle.Rotation = 20;
        plot.Axes.Bottom.TickLabelStyle.Alignment = ScottPlot.Alignment.MiddleLeft;
        plot.Axes.Bottom.MinimumSize = 70;
        plot.Axes.Margins(bottom: 0);
        plot.Title($"{figure} with 95 % intervals");
        plot.ShowLegend(ScottPlot.Alignment.UpperLeft);
        return plot;
    }

    private static Plot Curves(RunComparison comparison, string stage, string figure)
    {
        var plot = new Plot();
        foreach (var run in (SideOfComparison[])[comparison.First, comparison.Second])
        {
            if (run.Curve(stage, figure) is { Count: > 0 } points)
            {
                var line = plot.Add.Scatter(points.Select(point => point.Step).ToArray(), points.Select(point => point.Value).ToArray());
                (line.MarkerSize, line.LineWidth, line.LegendText) = (0, 2, run.Name);
            }
        }

        plot.Title($"{stage}: {figure}");
        plot.XLabel("step");
        plot.ShowLegend(ScottPlot.Alignment.UpperRight);
        return plot;
    }

    private static string Page(RunComparison comparison, IReadOnlyList<(string Title, byte[] Png)> images)
    {
        var page = new StringBuilder();
        string title = Text($"{comparison.First.Name} and {comparison.Second.Name}");
        page.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">")
            .Append(CultureInfo.InvariantCulture, $"<meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\n");
        page.Append("<style>").Append(Style).Append("</style></head><body><main>\n");
        page.Append(CultureInfo.InvariantCulture,
            $"<h1>{title}</h1><p>{Text(comparison.First.Report.Dataset)}, "
            + $"split {Text(comparison.First.Report.Split)}. Figures are at the strict item level on the test rows.</p>\n");
        if (comparison.Warning() is { } warning)
        {
            page.Append(CultureInfo.InvariantCulture, $"<p><strong>{Text(warning)}</strong></p>\n");
        }

        Models(page, comparison);
        foreach (var (caption, png) in images)
        {
            page.Append(CultureInfo.InvariantCulture,
                $"<h2>{Text(caption)}</h2><img alt=\"{Text(caption)}\" src=\"data:image/png;base64,{Convert.ToBase64String(png)}\">\n");
        }

        page.Append("<h2>Settings that differ</h2><table><thead><tr><th scope=\"col\">setting</th>")
            .Append(CultureInfo.InvariantCulture, $"<th scope=\"col\">{Text(comparison.First.Name)}</th>")
            .Append(CultureInfo.InvariantCulture, $"<th scope=\"col\">{Text(comparison.Second.Name)}</th></tr></thead><tbody>\n");
        foreach (var (key, first, second) in comparison.Settings())
        {
            page.Append(CultureInfo.InvariantCulture,
                $"<tr><th scope=\"row\">{Text(key)}</th><td>{Text(first)}</td><td>{Text(second)}</td></tr>\n");
        }

        return page.Append("</tbody></table></main></body></html>\n").ToString();
    }

    private static void Models(StringBuilder page, RunComparison comparison)
    {
        page.Append("<h2>Models</h2><table><thead><tr><th scope=\"col\">model</th>");
        foreach (string figure in comparison.Shown)
        {
            page.Append(CultureInfo.InvariantCulture,
                $"<th scope=\"col\">{figure} {Text(comparison.First.Name)}</th>"
                + $"<th scope=\"col\">{figure} {Text(comparison.Second.Name)}</th><th scope=\"col\">change</th>");
        }

        page.Append("</tr></thead><tbody>\n");
        foreach (var (model, values) in comparison.Models())
        {
            page.Append(CultureInfo.InvariantCulture, $"<tr><th scope=\"row\">{Text(model)}</th>");
            foreach (var (first, second) in values)
            {
                string Cell(double? value, double? other) =>
                    string.Create(CultureInfo.InvariantCulture, $"<td{(value > other ? " class=\"better\"" : "")}>{value:F4}</td>");
                page.Append(Cell(first, second)).Append(Cell(second, first));
                page.Append(CultureInfo.InvariantCulture, $"<td>{second - first:+0.0000;-0.0000;0.0000}</td>");
            }

            page.Append("</tr>\n");
        }

        page.Append("</tbody></table>\n");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}

using System.Globalization;
using MiniOneRec;
using MiniOneRec.Evaluation;
using MiniOneRec.Recipes;
using Spectre.Console;

namespace AmazonReviews;

/// <summary>Shows a recipe on the console: a line per stage, a moving one while it runs, a table at the end.</summary>
internal sealed class ConsoleObserver : IRecipeObserver
{
    private static readonly string[] Shown = ["loss", "NDCG@10", "HR@10", "reward", "group_hit_rate", "kl", "value"];

    private readonly bool _live = !Console.IsOutputRedirected;
    private string _last = "";

    public void OnStarted(string stage) => _last = "";

    public void OnProgress(TrainingProgress progress)
    {
        var shown = progress.Metrics.Where(metric => Shown.Contains(metric.Key, StringComparer.OrdinalIgnoreCase));
        _last = string.Join(
            "  ", shown.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:0.####}")));
        if (_live)
        {
            Console.Write($"\r\u001b[K{progress.Stage} {progress.Fraction:P0}  {_last}");
        }
    }

    public void OnFinished(string stage, TimeSpan elapsed) => Line(string.Create(CultureInfo.InvariantCulture,
        $"{stage}: {elapsed.TotalSeconds:F1} s {_last}").TrimEnd());

    public void OnMessage(string text) => Line(text);

    public static void Show(ComparisonReport report)
    {
        string[] figures = ["HR@1", "HR@5", "HR@10", "NDCG@10"];
        var table = new Table().Title($"{report.Dataset}, strict item level").AddColumn("model");
        foreach (string name in (string[])[.. figures, "HR@10, 95 %", "SID HR@10", "train s"])
        {
            table.AddColumn(new TableColumn(name).RightAligned());
        }

        foreach (var model in report.Models)
        {
            var interval = model.Intervals["HR@10"];
            table.AddRow([
                model.Name, .. figures.Select(name => Figure(model.Item[name])), $"{Figure(interval.Low)}–{Figure(interval.High)}",
                model.Sid is null ? "" : Figure(model.Sid["HR@10"]), model.Seconds.ToString("F1", CultureInfo.InvariantCulture),
            ]);
        }

        AnsiConsole.Write(table);
    }

    private void Line(string text) => Console.WriteLine(_live ? "\r\u001b[K" + text : text);

    private static string Figure(double value) => value.ToString("F4", CultureInfo.InvariantCulture);
}

using System.Diagnostics;
using System.Globalization;
using MiniOneRec.Cli.Processes;
using MiniOneRec.Evaluation;
using Spectre.Console;

namespace MiniOneRec.Cli.Output;

/// <summary>Writes for people: a line a stage with rate and time left while it runs, tables for results. Colours only on a
/// terminal.</summary>
internal sealed class TextReporter : Reporter
{
    private static readonly string[] Shown = ["loss", "NDCG@10", "HR@10", "reward", "kl", "value"];
    private readonly TextWriter _output;
    private readonly TextWriter _error;
    private readonly bool _quiet;
    private readonly bool _live;
    private string _last = "";
    private long _began;

    public TextReporter(TextWriter output, TextWriter error, bool quiet)
    {
        (_output, _error, _quiet) = (output, error, quiet);
        _live = !quiet && ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected && RankPlace.Current.Size == 1;
    }

    public override void OnStarted(string stage) => (_last, _began) = ("", Stopwatch.GetTimestamp());

    public override void OnProgress(TrainingProgress progress)
    {
        var shown = progress.Metrics.Where(metric => Shown.Contains(metric.Key, StringComparer.OrdinalIgnoreCase));
        _last = string.Join("  ",
            shown.Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:0.####}")));
        if (_live)
        {
            double seconds = Stopwatch.GetElapsedTime(_began).TotalSeconds;
            double rate = seconds > 0 ? progress.Step / seconds : 0;
            string left = rate > 0 && progress.TotalSteps > 0
                ? Duration(TimeSpan.FromSeconds((progress.TotalSteps - progress.Step) / rate)) : "?";
            _error.Write(string.Create(
                CultureInfo.InvariantCulture,
                $"\r\u001b[K{progress.Stage} {progress.Fraction:P0}, {rate:0.#} steps/s, {left} left  {_last}"));
        }
    }

    public override void OnFinished(string stage, TimeSpan elapsed) =>
        Line(string.Create(CultureInfo.InvariantCulture, $"{stage}: {Duration(elapsed)} {_last}").TrimEnd());

    public override void OnMessage(string text) => Line(text);

    public override void Show(ComparisonReport report)
    {
        string[] figures =
            [.. new[] { "HR@1", "HR@5", "HR@10", "NDCG@10" }.Where(name => report.Models.Any(model => model.Item.ContainsKey(name)))];
        var rows = report.Models.Select(model => (IReadOnlyList<object?>)
            [model.Name, .. figures.Select(name => model.Item.TryGetValue(name, out double value) ? (object)value : null),
                Math.Round(model.Seconds, 1)]);
        Write($"{report.Dataset}, strict item level", ["model", .. figures, "train s"], rows);
    }

    public override void Table(string name, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows) =>
        Write(null, columns, rows);

    public override void Value(string name, string value) => _output.WriteLine(_quiet ? value : $"{name}: {value}");

    public override void Cancelled(string message) => _error.WriteLine(_live ? "\r\u001b[K" + message : message);

    public override void Failed(string message, int code) => _error.WriteLine(message);

    private static string Duration(TimeSpan time) => time.TotalMinutes >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalMinutes} min {time.Seconds} s")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:F1} s");

    private static string Cell(object? value) => value switch
    {
        null => "",
        double number => number.ToString(Math.Abs(number) < 1 ? "F4" : "0.####", CultureInfo.InvariantCulture),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private void Write(string? title, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<object?>> rows)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(_output) });
        if (!ReferenceEquals(_output, Console.Out) || Console.IsOutputRedirected || RankPlace.Current.Size > 1)
        {
            console.Profile.Width = 160;
            console.Profile.Capabilities.Ansi = false;
        }

        var table = new Table();
        if (title is not null)
        {
            table.Title(title);
        }

        foreach (string column in columns)
        {
            table.AddColumn(new TableColumn(Markup.Escape(column)) { Alignment = column is "model" or "item" or "title" or "user"
                ? Justify.Left : Justify.Right });
        }

        foreach (var row in rows)
        {
            table.AddRow([.. row.Select(value => Markup.Escape(Cell(value)))]);
        }

        console.Write(table);
    }

    private void Line(string text)
    {
        if (!_quiet)
        {
            _error.WriteLine(_live ? "\r\u001b[K" + text : text);
        }
    }
}

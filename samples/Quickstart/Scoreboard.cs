using System.Globalization;
using MiniOneRec.Evaluation;

namespace Quickstart;

/// <summary>The table of models: strict item level, with 95 % intervals over users.</summary>
internal sealed class Scoreboard
{
    private readonly List<EvaluationReport> _reports = [];

    public void Add(EvaluationReport report) => _reports.Add(report);

    public void Write(Screen screen)
    {
        screen.Heading($"{"model",-18}{"HR@10",8}{"95 %",18}{"NDCG@10",10}{"95 %",18}{"SID HR@10",12}");
        foreach (var report in _reports)
        {
            screen.Line(string.Create(CultureInfo.InvariantCulture,
                $"{report.Name,-18}{report["HR", 10],8:F4}{Interval(report, "HR@10"),18}{report["NDCG", 10],10:F4}"
                + $"{Interval(report, "NDCG@10"),18}{report.Sid!["HR", 10],12:F4}"));
        }
    }

    private static string Interval(EvaluationReport report, string key) =>
        string.Create(CultureInfo.InvariantCulture, $"[{report.Item.Intervals[key].Low:F4}, {report.Item.Intervals[key].High:F4}]");
}

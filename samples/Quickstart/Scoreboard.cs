using System.Globalization;
using MiniOneRec;
using MiniOneRec.Evaluation;

namespace Quickstart;

/// <summary>The table of models: strict item level, with 95 % intervals over users; new items are those that no training sequence
/// holds.</summary>
internal sealed class Scoreboard(IReadOnlyList<NextItemExample> rows, EvaluationCatalog catalog)
{
    private readonly RecommendationEvaluator _evaluator = new(new EvaluationOptions { Cutoffs = [1, 10] });
    private readonly List<EvaluationReport> _reports = [];

    public async Task AddAsync(IRecommender recommender) =>
        _reports.Add(await _evaluator.EvaluateAsync(new WithoutHistory(recommender), rows, catalog));

    public void Write(Screen screen)
    {
        screen.Heading($"{"model",-18}{"HR@10",8}{"95 %",18}{"NDCG@10",10}{"95 %",18}{"new items HR@10",18}");
        foreach (var report in _reports)
        {
            screen.Line(string.Create(CultureInfo.InvariantCulture,
                $"{report.Name,-18}{report["HR", 10],8:F4}{Interval(report, "HR@10"),18}{report["NDCG", 10],10:F4}"
                + $"{Interval(report, "NDCG@10"),18}{report.Cold!.Item["HR", 10],18:F4}"));
        }

        screen.Line($"New items: {_reports[0].Cold!.Items} of the catalogue, target of {_reports[0].Cold!.Examples} rows.");
    }

    private static string Interval(EvaluationReport report, string key) =>
        string.Create(CultureInfo.InvariantCulture, $"[{report.Item.Intervals[key].Low:F4}, {report.Item.Intervals[key].High:F4}]");

    /// <summary>Asks a recommender for items that the user does not have.</summary>
    private sealed class WithoutHistory(IRecommender inner) : IRecommender
    {
        public string Name => inner.Name;

        public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
            IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default) =>
            inner.RecommendAsync([.. requests.Select(request => request with { ExcludeHistory = true })], cancellationToken);
    }
}

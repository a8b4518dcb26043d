using System.Globalization;
using System.Text.Json.Nodes;
using MiniOneRec;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using Spectre.Console;

namespace AmazonReviews;

/// <summary>Evaluates models on the test rows and gathers the report.</summary>
internal sealed class Leaderboard(Settings settings, SplitDataset data, SemanticIdIndex index, Stages stages)
{
    private readonly List<ModelReport> _models = [];
    private readonly EvaluationCatalog _catalog = new(index, data.TrainSequences);
    private readonly RecommendationEvaluator _evaluator = new(new EvaluationOptions { Seed = settings.Seed, MaxExamples = settings.MaxTestRows });
    private EvaluationReport? _previous;

    /// <summary>Gets what the report holds beside the models.</summary>
    public Dictionary<string, object> Details { get; } = new(StringComparer.Ordinal)
    {
        ["preset"] = settings.Preset,
        ["items"] = data.Items.Count,
        ["distinctSids"] = index.DistinctCount,
        ["levelSizes"] = new JsonArray([.. index.LevelSizes.Select(size => (JsonNode)size)]),
        ["trainSequences"] = data.TrainSequences.Count,
        ["trainRows"] = data.Train.Count,
        ["validationRows"] = data.Validation.Count,
        ["testRows"] = data.Test.Count,
        ["processors"] = Environment.ProcessorCount,
    };

    public Task AddAsync(GenerativeRecommender recommender, string name, double seconds, CancellationToken cancellationToken)
    {
        recommender.Name = name;
        return AddAsync(recommender, recommender.Model.parameters().Sum(parameter => parameter.numel()), seconds, cancellationToken);
    }

    public async Task AddAsync(IRecommender recommender, long parameters, double seconds, CancellationToken cancellationToken)
    {
        var report = await stages.RunAsync($"evaluate {recommender.Name}", progress =>
            _evaluator.EvaluateAsync(recommender, data.Test, _catalog, progress, cancellationToken));
        _models.Add(ModelReport.From(report, parameters, TimeSpan.FromSeconds(seconds)));
        AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{report.Name}: HR@1 {report.Item["HR", 1]:F4}  HR@10 {report.Item["HR", 10]:F4}  NDCG@10 {report.Item["NDCG", 10]:F4}"));
        if (report.Name == "minionerec-grpo" && _previous is { Name: "minionerec-sft" } sft)
        {
            Details["grpoAgainstSft"] = new JsonArray([.. Compare(sft, report)]);
        }

        _previous = report;
    }

    /// <summary>Adds the figures of a training by step.</summary>
    public void AddHistory(string stage, TrainingResult result) => Details[stage] = new JsonObject
    {
        ["steps"] = result.Steps,
        ["bestStep"] = result.BestStep,
        ["bestValidation"] = double.IsFinite(result.BestValidation) ? result.BestValidation : null,
        ["stopReason"] = result.StopReason,
        ["history"] = new JsonArray([.. result.History.Select(Point)]),
    };

    /// <summary>Adds what the validation rows said about a value, and the one that was taken.</summary>
    public void AddChoice(string stage, double chosen, IEnumerable<(double Value, double HitRate, double Ndcg)> tried) => Details[stage] = new JsonObject
    {
        ["chosen"] = chosen,
        ["validation"] = new JsonArray(
            [.. tried.Select(entry => new JsonObject { ["value"] = entry.Value, ["HR@10"] = entry.HitRate, ["NDCG@10"] = entry.Ndcg })]),
    };

    public async Task SaveAsync(CancellationToken cancellationToken)
    {
        Details["stageSeconds"] = new JsonObject([.. stages.Seconds.Select(stage => KeyValuePair.Create(stage.Key, (JsonNode?)Math.Round(stage.Value, 2)))]);
        var report = new ComparisonReport { Dataset = data.Name, Split = data.Split, Seed = settings.Seed, Models = _models, Details = Details };
        await report.SaveAsync(settings.Report, cancellationToken);
        string markdown = Path.ChangeExtension(settings.Report, ".md");
        await AtomicFile.WriteAsync(
            markdown, stream => stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(report.ToMarkdown()), cancellationToken).AsTask(), cancellationToken);
        Show();
        AnsiConsole.WriteLine($"Reports: {settings.Report} and {markdown}");
    }

    private void Show()
    {
        var table = new Table().Title($"{data.Name}, strict item level").AddColumn("model");
        string[] shown = ["HR@1", "HR@5", "HR@10", "NDCG@10"];
        foreach (string key in shown)
        {
            table.AddColumn(new TableColumn(key).RightAligned());
        }

        table.AddColumn(new TableColumn("HR@10, 95 %").RightAligned()).AddColumn(new TableColumn("SID HR@10").RightAligned()).AddColumn(new TableColumn("train s").RightAligned());
        foreach (var model in _models)
        {
            var interval = model.Intervals["HR@10"];
            table.AddRow([
                model.Name,
                .. shown.Select(key => Figure(model.Item[key])),
                $"{Figure(interval.Low)}–{Figure(interval.High)}",
                model.Sid is null ? "" : Figure(model.Sid["HR@10"]),
                model.Seconds.ToString("F1", CultureInfo.InvariantCulture),
            ]);
        }

        AnsiConsole.Write(table);
    }

    private static IEnumerable<JsonNode> Compare(EvaluationReport before, EvaluationReport after) =>
        from metric in (IRankingMetric[])[new HitRate(), new Ndcg()]
        from cutoff in (int[])[1, 10]
        let pair = PairedComparison.Create(before, after, metric, cutoff)
        select new JsonObject
        {
            ["metric"] = pair.Metric,
            ["before"] = pair.First,
            ["after"] = pair.Second,
            ["difference"] = pair.Difference,
            ["interval"] = new JsonArray(pair.Interval.Low, pair.Interval.High),
        };

    private static JsonObject Point(TrainingProgress progress)
    {
        var point = new JsonObject { ["step"] = progress.Step };
        foreach (var (name, value) in progress.Metrics)
        {
            point[name] = double.IsFinite(value) ? value : null;
        }

        return point;
    }

    private static string Figure(double value) => value.ToString("F4", CultureInfo.InvariantCulture);
}

using System.CommandLine;
using MiniOneRec.Baselines;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>evaluate</c>: the figures of one model on the test rows.</summary>
internal static class EvaluateCommand
{
    private static readonly Option<string> Model = ModelLoading.Option();
    private static readonly Option<string?> Report =
        new("--report") { Description = "Also write the report as JSON.", HelpName = "FILE.json" };

    public static Command Create(CliContext context)
    {
        var command = new Command("evaluate", "Measure a model on the test rows.");
        RunOptions.AddDataTo(command);
        foreach (Option option in (Option[])[Model, ModelLoading.Device, ModelLoading.Rows, Report])
        {
            command.Options.Add(option);
        }

        command.SetAction(async (line, cancellationToken) =>
        {
            NativeTuning.Apply();
            var reporter = context.Reporter(line);
            var data = await RunOptions.LoadAsync(RunOptions.Read(line), null, reporter, cancellationToken);
            using var model =
                await ModelLoading.LoadAsync(line.GetRequiredValue(Model), line.GetValue(ModelLoading.Device)!, cancellationToken);
            var report = await MeasureAsync(model, data, model.Index, line.GetValue(ModelLoading.Rows), reporter, cancellationToken);
            var comparison = Comparison(data, [report]);
            if (line.GetValue(Report) is { } path)
            {
                await comparison.SaveAsync(path, cancellationToken);
            }

            reporter.Show(comparison);
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Measures one recommender on the test rows.</summary>
    public static Task<EvaluationReport> MeasureAsync(
        IRecommender recommender, SplitDataset data, SemanticIdIndex? index, int? rows, Reporter reporter,
        CancellationToken cancellationToken)
    {
        var catalog = index is null ? new EvaluationCatalog(data.ItemIds, null, data.TrainSequences)
            : new EvaluationCatalog(index, data.TrainSequences);
        return new RecommendationEvaluator(new EvaluationOptions { MaxExamples = rows })
            .EvaluateAsync(recommender, data.Test, catalog, new StageProgress(reporter), cancellationToken);
    }

    /// <summary>Puts reports beside each other.</summary>
    public static ComparisonReport Comparison(SplitDataset data, IEnumerable<EvaluationReport> reports) => new()
    {
        Dataset = data.Name, Split = data.Split, Seed = new EvaluationOptions().Seed,
            Models = [.. reports.Select(report => ModelReport.From(report, 0, TimeSpan.Zero))],
    };
}

/// <summary><c>compare</c>: several models and baselines on the same rows, with paired intervals.</summary>
internal static class CompareCommand
{
    private static readonly Option<string[]> Models =
        new("--model", "-m") { Description = "Model folders or run folders; the first is compared with each other row.", HelpName = "DIR",
        Required = true, AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string> Baselines =
        new("--baselines") { Description = "popularity, sequential-rules, item-knn; all by default.", HelpName = "NAME,…",
        DefaultValueFactory = _ => "popularity,sequential-rules,item-knn" };

    public static Command Create(CliContext context)
    {
        var command = new Command("compare", "Compare models and baselines on the same test rows, with paired intervals.");
        RunOptions.AddDataTo(command);
        foreach (Option option in (Option[])[Models, Baselines, ModelLoading.Device, ModelLoading.Rows])
        {
            command.Options.Add(option);
        }

        command.SetAction(async (line, cancellationToken) =>
        {
            NativeTuning.Apply();
            var reporter = context.Reporter(line);
            var data = await RunOptions.LoadAsync(RunOptions.Read(line), null, reporter, cancellationToken);
            var reports = new List<EvaluationReport>();
            foreach (string path in line.GetRequiredValue(Models))
            {
                using var model = await ModelLoading.LoadAsync(path, line.GetValue(ModelLoading.Device)!, cancellationToken);
                model.Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
                reports.Add(await EvaluateCommand.MeasureAsync(
                    model, data, model.Index, line.GetValue(ModelLoading.Rows), reporter, cancellationToken));
            }

            foreach (
                string name in line.GetValue(Baselines)!.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            {
                reports.Add(await EvaluateCommand.MeasureAsync(
                    Baseline(name, data), data, data.Index, line.GetValue(ModelLoading.Rows), reporter,
                    cancellationToken));
            }

            reporter.Show(EvaluateCommand.Comparison(data, reports));
            reporter.Table("difference", ["model", "against", "metric", "difference", "low", "high", "established"], Differences(reports));
            return ExitCodes.Success;
        });
        return command;
    }

    private static IEnumerable<IReadOnlyList<object?>> Differences(IReadOnlyList<EvaluationReport> reports) =>
        from other in reports.Skip(1)
        from metric in (IRankingMetric[])[new HitRate(), new Ndcg()]
        let pair = PairedComparison.Create(other, reports[0], metric, 10)
        select (IReadOnlyList<object?>)
            [reports[0].Name, other.Name, pair.Metric, pair.Difference, pair.Interval.Low, pair.Interval.High,
                pair.IsEstablished ? "yes" : "no"];

    private static IRecommender Baseline(string name, SplitDataset data) => name switch
    {
        "popularity" => new PopularityRecommender(data.TrainSequences, data.ItemIds),
        "sequential-rules" => new SequentialRulesRecommender(data.TrainSequences, data.ItemIds),
        "item-knn" => new ItemKnnRecommender(data.TrainSequences, data.ItemIds),
        _ => throw new ArgumentException($"--baselines: '{name}' is none of popularity, sequential-rules, item-knn."),
    };
}

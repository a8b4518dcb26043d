using System.CommandLine;
using MiniOneRec.Baselines;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>compare</c>: two run folders side by side, or several models and baselines on the same rows, with paired
/// intervals.</summary>
internal static class CompareCommand
{
    private static readonly Argument<string[]> Runs = new("runs") { Description = "Two run folders, which are set side by side.",
        HelpName = "RUN", Arity = new ArgumentArity(0, 2) };
    private static readonly Option<string?> Output = new("--output", "-o") { Description =
        "Folder for the page and the plots of two runs; compare-A-B by default.", HelpName = "DIR" };
    private static readonly Option<string[]> Models =
        new("--model", "-m") { Description = "Model folders or run folders; the first is compared with each other row.", HelpName = "DIR",
        AllowMultipleArgumentsPerToken = true };
    private static readonly Option<string> Baselines =
        new("--baselines") { Description = "popularity, sequential-rules, item-knn; all by default.", HelpName = "NAME,…",
        DefaultValueFactory = _ => "popularity,sequential-rules,item-knn" };

    public static Command Create(CliContext context)
    {
        var command = new Command("compare",
            "Set two run folders side by side, or measure models and baselines on the same test rows, with paired intervals.");
        command.Arguments.Add(Runs);
        RunOptions.AddDataTo(command);
        foreach (Option option in (Option[])[Models, Baselines, ModelLoading.Device, ModelLoading.Rows, Output])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(line =>
        {
            var (runs, models) = (line.GetValue(Runs)?.Length ?? 0, line.GetValue(Models)?.Length ?? 0);
            if ((runs, models) is not ((2, 0) or (0, > 0)))
            {
                line.AddError("Name two run folders, as in compare run-a run-b, or models with --model.");
            }
        });
        command.SetAction(async (line, cancellationToken) =>
        {
            NativeTuning.Apply();
            var reporter = context.Reporter(line);
            if (line.GetValue(Runs) is [var first, var second])
            {
                return await RunsAsync(first, second, line.GetValue(Output), reporter, cancellationToken);
            }

            var data = await RunOptions.LoadAsync(RunOptions.Read(line), null, reporter, cancellationToken);
            var reports = new List<EvaluationReport>();
            foreach (string path in line.GetValue(Models)!)
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
                    Baseline(name, data), data, data.Index, line.GetValue(ModelLoading.Rows), reporter, cancellationToken));
            }

            reporter.Show(EvaluateCommand.Comparison(data, reports));
            reporter.Table("difference", ["model", "against", "metric", "difference", "low", "high", "established"], Differences(reports));
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<int> RunsAsync(
        string first, string second, string? output, Reporter reporter, CancellationToken cancellationToken)
    {
        var comparison = await RunComparison.LoadAsync(first, second, cancellationToken);
        comparison.Show(reporter);
        string folder = Path.GetFullPath(output
            ?? $"compare-{Path.GetFileName(comparison.First.Folder)}-{Path.GetFileName(comparison.Second.Folder)}");
        reporter.Value("page", await RunComparisonPage.SaveAsync(comparison, folder, cancellationToken));
        return ExitCodes.Success;
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

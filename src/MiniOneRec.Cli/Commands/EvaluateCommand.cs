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

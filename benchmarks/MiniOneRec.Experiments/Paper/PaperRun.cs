using System.Diagnostics;
using System.Text.Json;
using MiniOneRec.Evaluation;
using MiniOneRec.Recipes;

namespace MiniOneRec.Experiments;

/// <summary>One row of the main table: a model trained and ranked on the test rows. The ranks are kept for paired comparisons.</summary>
internal static class PaperRun
{
    private const int MaxCurve = 200;
    private static readonly int[] Cutoffs = [3, 5, 10];
    private static readonly string[] Metrics = ["HR", "NDCG"];

    /// <summary>Trains and ranks.</summary>
    public static async Task<RunOutcome> MakeAsync(
        string name, PaperData paper, PaperSettings settings, int seed, string ranksPath, StudyContext context)
    {
        long start = Stopwatch.GetTimestamp();
        using var model = await PaperModels.TrainAsync(name, paper, settings, seed, context);
        double training = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var options = new EvaluationOptions { Cutoffs = Cutoffs, Seed = seed, MaxExamples = settings.MaxExamples };
        var report = await new RecommendationEvaluator(options).EvaluateAsync(
            model.Recommender, paper.Data.Test, new EvaluationCatalog(paper.Index, paper.Data.TrainSequences),
            cancellationToken: context.CancellationToken);
        Directory.CreateDirectory(Path.GetDirectoryName(ranksPath)!);
        await AtomicFile.WriteAsync(
            ranksPath, stream => JsonSerializer.SerializeAsync(stream, report.Ranks, JsonSerializerOptions.Web, context.CancellationToken),
            context.CancellationToken);
        return new RunOutcome(Figures(report, model, training))
        {
            Device = settings.Device,
            Curve = [.. (model.Training?.History ?? []).Where((_, i) => i % Step(model.Training!.History.Count) == 0).Select(Point)],
        };
    }

    /// <summary>Reads the ranks of a run.</summary>
    /// <exception cref="InvalidDataException">The file is missing or damaged.</exception>
    public static EvaluationReport ReadRanks(string path, string name)
    {
        try
        {
            var ranks = JsonSerializer.Deserialize<List<RankedExample>>(File.ReadAllText(path), JsonSerializerOptions.Web) ?? [];
            return new EvaluationReport
            {
                Name = name, Examples = ranks.Count, Cutoffs = Cutoffs, Item = new MetricTable(new Dictionary<string, double>()),
                Sid = new MetricTable(new Dictionary<string, double>()), Ranks = ranks,
            };
        }
        catch (Exception e) when (e is JsonException or FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidDataException(
                $"'{path}', the ranks of a run, cannot be read ({e.Message}); remove the run's file to make it again.", e);
        }
    }

    private static Dictionary<string, double> Figures(EvaluationReport report, TrainedRival model, double training)
    {
        var figures = new Dictionary<string, double>();
        foreach (string metric in Metrics)
        {
            foreach (int cutoff in Cutoffs)
            {
                string key = RankingMetrics.Key(metric, cutoff);
                figures[key] = report.Item[metric, cutoff];
                if (report.Item.Intervals.TryGetValue(key, out var interval))
                {
                    (figures[key + ".low"], figures[key + ".high"]) = (interval.Low, interval.High);
                }

                if (report.Sid is { } sid)
                {
                    figures["sid." + key] = sid[metric, cutoff];
                }
            }
        }

        figures["examples"] = report.Examples;
        figures["parameters"] = model.Parameters;
        figures["training_seconds"] = Math.Round(training, 2);
        figures["inference_seconds"] = Math.Round(report.Elapsed.TotalSeconds, 2);
        if (model.Training is { } result)
        {
            (figures["steps"], figures["best_step"], figures["best_validation"]) = (result.Steps, result.BestStep, result.BestValidation);
        }

        return figures;
    }

    private static int Step(int points) => Math.Max(1, points / MaxCurve);

    private static Dictionary<string, double> Point(TrainingProgress point) =>
        new(point.Metrics.Append(KeyValuePair.Create("step", (double)point.Step)));
}

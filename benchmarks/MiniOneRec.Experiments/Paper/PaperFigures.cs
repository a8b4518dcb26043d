using System.Diagnostics;
using MiniOneRec.Alignment;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;

namespace MiniOneRec.Experiments;

/// <summary>What the parts beside the main table measure alike.</summary>
internal static class PaperFigures
{
    /// <summary>Ranks a recommender on the test rows of a data set.</summary>
    /// <param name="recommender">The recommender.</param>
    /// <param name="data">The data set.</param>
    /// <param name="index">The semantic IDs that the recommender serves.</param>
    /// <param name="settings">How many rows count.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="cancellationToken">Looked at once per batch.</param>
    public static async Task<Dictionary<string, double>> OfAsync(
        IRecommender recommender, SplitDataset data, SemanticIdIndex index, PaperSettings settings, int seed,
        CancellationToken cancellationToken)
    {
        var options = new EvaluationOptions { Cutoffs = [3, 5, 10], Seed = seed, MaxExamples = settings.MaxExamples };
        var report = await new RecommendationEvaluator([new HitRate(), new Ndcg()], options).EvaluateAsync(
            recommender, data.Test, new EvaluationCatalog(index, data.TrainSequences), cancellationToken: cancellationToken);
        var figures = new Dictionary<string, double>();
        foreach (int cutoff in options.Cutoffs)
        {
            (figures[$"HR@{cutoff}"], figures[$"NDCG@{cutoff}"]) = (report["HR", cutoff], report["NDCG", cutoff]);
        }

        (figures["HR@10.low"], figures["HR@10.high"]) = (report.Item.Intervals["HR@10"].Low, report.Item.Intervals["HR@10"].High);
        figures["examples"] = report.Examples;
        return figures;
    }

    /// <summary>Trains a small decoder of semantic IDs as the preset says.</summary>
    /// <param name="data">The data.</param>
    /// <param name="index">The semantic IDs.</param>
    /// <param name="settings">Sizes and epochs.</param>
    /// <param name="tasks">The tasks.</param>
    /// <param name="sft">The training.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="cancellationToken">Looked at after each step.</param>
    /// <returns>The recommender, which the caller disposes, and the seconds of training.</returns>
    public static async Task<(GenerativeRecommender Recommender, double Seconds)> DecoderAsync(
        SplitDataset data, SemanticIdIndex index, PaperSettings settings, IReadOnlyList<IAlignmentTask> tasks, SftOptions sft, int seed,
        CancellationToken cancellationToken)
    {
        var shared = new MiniOneRecOptions { Device = settings.Device, Seed = seed };
        var recommender = await new GenerativeRecommenderFactory(settings.Preset.Modeling(), shared)
            .CreateAsync(index, cancellationToken: cancellationToken);
        long start = Stopwatch.GetTimestamp();
        try
        {
            await new SftTrainer(tasks, sft)
                .TrainAsync(recommender, data.TrainSequences, data.Validation, cancellationToken: cancellationToken);
        }
        catch
        {
            recommender.Dispose();
            throw;
        }

        return (recommender, Math.Round(Stopwatch.GetElapsedTime(start).TotalSeconds, 2));
    }
}

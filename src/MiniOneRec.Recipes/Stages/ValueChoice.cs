using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;

namespace MiniOneRec.Recipes;

/// <summary>Chooses a number that a recommender is served with, by the validation rows.</summary>
/// <remarks>What helps the first places may harm the last ones: the product of HR@10 and NDCG@10 decides.</remarks>
internal sealed class ValueChoice(RecipeOptions options, StageRunner stages, Leaderboard board)
{
    /// <summary>Tries the values and sets the best one.</summary>
    public async Task RunAsync(
        string stage, IReadOnlyList<double> values, Action<double> set, GenerativeRecommender recommender,
        IReadOnlyList<NextItemExample> validation,
        CancellationToken cancellationToken)
    {
        var evaluator = new RecommendationEvaluator(new EvaluationOptions
        {
            Cutoffs = [10],
            MaxExamples = 5_000,
            BootstrapSamples = 0,
            Seed = options.Seed,
        });
        var tried = new List<(double Value, double HitRate, double Ndcg)>();
        (double Value, double HitRate, double Ndcg) Best() => tried.MaxBy(entry => entry.HitRate * entry.Ndcg);
        var best = await stages.RunAsync(stage, async progress =>
        {
            foreach (double value in values)
            {
                set(value);
                var report = await evaluator.EvaluateAsync(recommender, validation, cancellationToken: cancellationToken)
                    .ConfigureAwait(false);
                tried.Add((value, report.Item["HR", 10], report.Item["NDCG", 10]));
                var leader = Best();
                progress.Report(new TrainingProgress(stage, tried.Count, values.Count)
                {
                    Metrics = new Dictionary<string,
                        double> { ["value"] = leader.Value, ["HR@10"] = leader.HitRate, ["NDCG@10"] = leader.Ndcg },
                });
            }

            return Best();
        }).ConfigureAwait(false);
        set(best.Value);
        board.AddChoice(stage, best.Value, tried);
    }
}

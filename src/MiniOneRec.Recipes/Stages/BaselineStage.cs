using MiniOneRec.Baselines;
using MiniOneRec.Datasets;

namespace MiniOneRec.Recipes;

/// <summary>Evaluates the baselines that the options name.</summary>
internal sealed class BaselineStage(RecipeOptions options, StageRunner stages, Leaderboard board)
{
    /// <returns>The sequential rules, which later stages use as reward and prior.</returns>
    public async Task<SequentialRulesRecommender> RunAsync(
        SplitDataset data, SemanticIdIndex index, PopularityRecommender popularity, CancellationToken cancellationToken)
    {
        bool Wanted(string name) => options.Baselines.Contains(name, StringComparer.Ordinal);
        var (rules, rulesSeconds) = StageRunner.Timed(() => new SequentialRulesRecommender(data.TrainSequences, index.Items));
        if (Wanted("popularity"))
        {
            await board.AddAsync(popularity, 0, 0, cancellationToken).ConfigureAwait(false);
        }

        if (Wanted("sequential-rules"))
        {
            await board.AddAsync(rules, 0, rulesSeconds, cancellationToken).ConfigureAwait(false);
        }

        if (Wanted("item-knn"))
        {
            var (knn, seconds) = StageRunner.Timed(() => new ItemKnnRecommender(data.TrainSequences, index.Items));
            await board.AddAsync(knn, 0, seconds, cancellationToken).ConfigureAwait(false);
        }

        if (Wanted("sasrec"))
        {
            var shared = new MiniOneRecOptions { Device = options.Device, Seed = options.Seed };
            using var sasRec = await stages.RunAsync("sasrec", progress =>
                new SasRecTrainer(options.Preset.SasRec(), shared).TrainAsync(data.TrainSequences, data.Validation, index.Items, progress, cancellationToken)).ConfigureAwait(false);
            await board.AddAsync(sasRec, sasRec.ParameterCount, stages.Seconds["sasrec"], cancellationToken).ConfigureAwait(false);
        }

        return rules;
    }
}

using System.Globalization;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;

namespace MiniOneRec.Recipes;

/// <content>What the recipe does with item vectors.</content>
public sealed partial class Recipe
{
    private void RequireSameContent(GenerativeRecommender loaded, ItemContent? content, string folder)
    {
        if (content is not null && loaded.Model.Content is { } known && content.For(loaded.Index).Fingerprint is var here
            && here != known.Content.Fingerprint)
        {
            string of = _options.Embeddings is { } file ? $"'{file}'" : "this run";
            string there = known.Content.Fingerprint;
            loaded.Dispose();
            throw new InvalidDataException(
                $"Model folder '{folder}' was trained with vectors of fingerprint {there}; those of {of} have {here}.");
        }
    }

    // Codes against dense head, and penalties on the history: what the model itself is served with.
    private async Task OwnSharesAsync(
        GenerativeRecommender recommender, string model, SplitDataset data, StageRunner stages, Leaderboard board, ValueChoice choice,
        CancellationToken cancellationToken)
    {
        if (recommender.Model.Content is not { HasHead: true })
        {
            await HistoryPenaltyAsync(recommender, model, data, choice, cancellationToken).ConfigureAwait(false);
            return;
        }

        await TuneAsync(recommender, $"{model} shares", [], data, stages, board, cancellationToken).ConfigureAwait(false);
    }

    // The model as it would be served: every part that helps on the validation rows has a share.
    private async Task ServeAsync(
        GenerativeRecommender recommender, BaselineResult baselines, SplitDataset data, StageRunner stages, Leaderboard board,
        CancellationToken cancellationToken)
    {
        var tuned = await TuneAsync(recommender, "shares", baselines.Priors, data, stages, board, cancellationToken).ConfigureAwait(false);
        if (baselines.Mixture is { } mixture)
        {
            var evaluator = new RecommendationEvaluator(
                new EvaluationOptions { Cutoffs = [10], MaxExamples = 5_000, BootstrapSamples = 0, Seed = _options.Seed });
            var report = await evaluator.EvaluateAsync(mixture, data.Validation, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            if (tuned.HitRate * tuned.Ndcg < report.Item["HR", 10] * report.Item["NDCG", 10])
            {
                await TuneAsync(recommender, "shares", [.. baselines.Priors, new PriorShare(mixture, 0)], data, stages, board,
                    cancellationToken).ConfigureAwait(false);
            }
        }

        await SaveAndVerifyAsync(recommender, Served, data, stages, cancellationToken).ConfigureAwait(false);
    }

    private async Task<TunedMixture> TuneAsync(
        GenerativeRecommender recommender, string stage, IReadOnlyList<PriorShare> priors, SplitDataset data, StageRunner stages,
        Leaderboard board,
        CancellationToken cancellationToken)
    {
        var tuner = new PriorTuner(new PriorTunerOptions { Seed = _options.Seed, TunePenalties = !recommender.Options.ExcludeHistory });
        var tuned = await stages.RunAsync(stage,
            progress => tuner.TuneAsync(recommender, priors, data.Validation, progress, cancellationToken)).ConfigureAwait(false);
        tuned.Apply(recommender);
        board.AddShares(stage, tuned);
        stages.Say(string.Create(CultureInfo.InvariantCulture,
            $"{stage}, {tuned.Fusion} mean: codes {tuned.CodeWeight:F2}, dense head {tuned.DenseWeight:F2}, priors {Shares(tuned)}; "
            + $"penalties {tuned.HistoryPenalty:F2} and {tuned.LastItemPenalty:F2}, bonus of new items {tuned.NewItemBonus:F2}; "
            + $"validation HR@10 {tuned.HitRate:F4} NDCG@10 {tuned.Ndcg:F4}."));
        return tuned;
    }

    private static string Shares(TunedMixture tuned) => string.Join(", ", tuned.Priors
        .Select(prior => string.Create(CultureInfo.InvariantCulture, $"{Leaderboard.NameOf(prior)} {prior.Weight:F2}"))
        .DefaultIfEmpty("none"));
}

namespace MiniOneRec.Baselines;

/// <summary>Loads saved baselines by their kind, for recommenders that use one as their prior.</summary>
public static class BaselineScorers
{
    /// <summary>
    /// Gets a loader for each kind: popularity, sequential rules, item-kNN, text-kNN, STAR, mixtures of these, SASRec, GRU4Rec, Caser
    /// and HSTU.
    /// </summary>
    public static IReadOnlyList<ScorerLoader> Loaders { get; } =
    [
        new(PopularityRecommender.Kind,
            async (folder, _, token) => await PopularityRecommender.LoadAsync(folder, token).ConfigureAwait(false)),
        new(SequentialRulesRecommender.Kind,
            async (folder, _, token) => await SequentialRulesRecommender.LoadAsync(folder, token).ConfigureAwait(false)),
        new(ItemKnnRecommender.Kind, async (folder, _, token) => await ItemKnnRecommender.LoadAsync(folder, token).ConfigureAwait(false)),
        new(TextKnnRecommender.Kind, async (folder, _, token) => await TextKnnRecommender.LoadAsync(folder, token).ConfigureAwait(false)),
        new(StarRecommender.Kind, async (folder, _, token) => await StarRecommender.LoadAsync(folder, token).ConfigureAwait(false)),
        new(MixedScorer.Kind,
        async (folder, device, token) => await MixedScorer.LoadAsync(folder, null, device, token).ConfigureAwait(false)),
        new(SasRecRecommender.Kind,
        async (folder, device, token) => await SasRecRecommender.LoadAsync(folder, device, token).ConfigureAwait(false)),
        new(Gru4RecRecommender.Kind,
        async (folder, device, token) => await Gru4RecRecommender.LoadAsync(folder, device, token).ConfigureAwait(false)),
        new(CaserRecommender.Kind,
        async (folder, device, token) => await CaserRecommender.LoadAsync(folder, device, token).ConfigureAwait(false)),
        new(HstuRecommender.Kind,
        async (folder, device, token) => await HstuRecommender.LoadAsync(folder, device, token).ConfigureAwait(false)),
    ];
}

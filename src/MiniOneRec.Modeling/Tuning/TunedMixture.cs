namespace MiniOneRec.Modeling;

/// <summary>Shares and penalties that <see cref="PriorTuner"/> chose, and what they gave on the validation rows.</summary>
public sealed record TunedMixture
{
    /// <summary>Gets the share of the codes.</summary>
    public required double CodeWeight { get; init; }

    /// <summary>Gets the share of the dense head; 0 where the model has none.</summary>
    public required double DenseWeight { get; init; }

    /// <summary>Gets the priors that have a share.</summary>
    public required IReadOnlyList<PriorShare> Priors { get; init; }

    /// <summary>Gets what an earlier item of the history loses, in nats.</summary>
    public required double HistoryPenalty { get; init; }

    /// <summary>Gets what the history's last item loses, in nats.</summary>
    public required double LastItemPenalty { get; init; }

    /// <summary>Gets what an item gains that training does not hold, in nats.</summary>
    /// <value>The default is 0.</value>
    public double NewItemBonus { get; init; }

    /// <summary>Gets how the sources are combined.</summary>
    /// <value>The default is <see cref="SourceFusion.Linear"/>.</value>
    public SourceFusion Fusion { get; init; }

    /// <summary>Gets the hit rate at the cutoff.</summary>
    public required double HitRate { get; init; }

    /// <summary>Gets the NDCG at the cutoff.</summary>
    public required double Ndcg { get; init; }

    /// <summary>Lets a recommender serve the mixture; its <see cref="GenerativeRecommender.Prior"/> becomes <see langword="null"/>, since
    /// all priors stand in one list.</summary>
    /// <param name="recommender">The recommender.</param>
    public void Apply(GenerativeRecommender recommender)
    {
        ArgumentNullException.ThrowIfNull(recommender);
        recommender.Prior = null;
        recommender.AdditionalPriors = Priors;
        recommender.DenseWeight = DenseWeight;
        recommender.HistoryPenalty = HistoryPenalty;
        recommender.LastItemPenalty = LastItemPenalty;
        recommender.NewItemBonus = NewItemBonus;
        recommender.Fusion = Fusion;
    }
}

namespace MiniOneRec.Reinforcement;

/// <summary>The opinion of another recommender where it is good at the sample's target, partial credit for the target's codes where it
/// is not: g · p(completion) + (1 − g) · (codes shared with the target from the root) / (codes).</summary>
/// <remarks>
/// <para>p is an item's percentile: the share of the other items that the scorer places below it for the sample's history, 0 to 1. The gate
/// g is the percentile of the target itself, so that a scorer is asked as far as it would have recommended what happened. Both terms tell
/// completions apart where none is the target, so that few groups are left without a signal.</para>
/// <para>Source: the gated mixture of a collaborative percentile and a prefix reward that others added to MiniOneRec's GRPO against silent
/// groups. Departures: the gate is a percentile rather than a probability, which is near 0 in a large catalogue, and the prefix earns its
/// share of the codes rather than steps of a table. A completion or target that the scorer does not know has percentile 0; of several
/// items of a semantic ID, and of several targets, the best counts.</para>
/// </remarks>
public sealed class GatedCollaborativeReward : IRewardFunction
{
    private readonly ScoredCatalogue _catalogue;
    private readonly SharedPrefixReward _prefix = new();

    /// <summary>Makes the reward.</summary>
    /// <param name="scorer">Any scorer, for example SASRec.</param>
    public GatedCollaborativeReward(IItemScorer scorer) => _catalogue = new ScoredCatalogue(scorer);

    /// <inheritdoc/>
    public string Name => "gated-collaborative";

    /// <inheritdoc/>
    /// <remarks>The scorer's class, items and, where it has one, <see cref="IItemScorer.Fingerprint"/>.</remarks>
    public string Settings => _catalogue.Settings;

    /// <inheritdoc/>
    public void Score(RolloutGroup group, Span<double> rewards) => Score([group], rewards);

    /// <inheritdoc/>
    public void Score(IReadOnlyList<RolloutGroup> groups, Span<double> rewards) => _catalogue.Score(groups, rewards, Gate);

    private void Gate(RolloutGroup group, ReadOnlySpan<float> scores, Span<double> rewards)
    {
        _prefix.Score(group, rewards);
        double gate = Percentile(_catalogue.Best(group.TargetIds, scores), scores);
        for (int i = 0; i < rewards.Length; i++)
        {
            rewards[i] = gate * Percentile(_catalogue.Best(group.ItemsOf(i), scores), scores) + (1 - gate) * rewards[i];
        }
    }

    // A score that is no number stays one and is reported.
    private static double Percentile(double score, ReadOnlySpan<float> scores)
    {
        if (double.IsNaN(score))
        {
            return score;
        }

        int below = 0;
        foreach (float other in scores)
        {
            below += other < score ? 1 : 0;
        }

        return (double)below / Math.Max(1, scores.Length - 1);
    }
}

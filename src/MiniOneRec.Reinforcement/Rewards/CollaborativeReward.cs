namespace MiniOneRec.Reinforcement;

/// <summary>The score that another recommender gives the completion for the sample's history, standardised within the group.</summary>
/// <remarks>
/// MiniOneRec (arXiv:2510.24431), the collaborative reward. Departures: scores are standardised per group, because raw ones are unbounded;
/// completions that the scorer does not know earn the group's mean, 0, instead of a random item's score. Of several items of a semantic ID
/// the best counts.
/// </remarks>
public sealed class CollaborativeReward : IRewardFunction
{
    private readonly ScoredCatalogue _catalogue;

    /// <summary>Makes the reward.</summary>
    /// <param name="scorer">Any scorer, for example SASRec.</param>
    public CollaborativeReward(IItemScorer scorer) => _catalogue = new ScoredCatalogue(scorer);

    /// <inheritdoc/>
    public string Name => "collaborative";

    /// <inheritdoc/>
    /// <remarks>The scorer's class, items and, where it has one, <see cref="IItemScorer.Fingerprint"/>.</remarks>
    public string Settings => _catalogue.Settings;

    /// <inheritdoc/>
    public void Score(RolloutGroup group, Span<double> rewards) => Score([group], rewards);

    /// <inheritdoc/>
    public void Score(IReadOnlyList<RolloutGroup> groups, Span<double> rewards) => _catalogue.Score(groups, rewards, Standardise);

    private void Standardise(RolloutGroup group, ReadOnlySpan<float> scores, Span<double> rewards)
    {
        const double Unknown = double.NegativeInfinity;
        int known = 0;
        double sum = 0, squares = 0;
        for (int i = 0; i < rewards.Length; i++)
        {
            rewards[i] = _catalogue.Best(group.ItemsOf(i), scores);
            if (rewards[i] != Unknown)
            {
                known++;
                sum += rewards[i];
            }
        }

        double mean = sum / Math.Max(1, known);
        foreach (double reward in rewards)
        {
            squares += reward == Unknown ? 0 : (reward - mean) * (reward - mean);
        }

        double deviation = Math.Sqrt(squares / Math.Max(1, known));
        foreach (ref double reward in rewards)
        {
            reward = reward == Unknown || deviation <= 1e-9 ? 0 : (reward - mean) / deviation;      // NaN stays NaN and is reported
        }
    }
}

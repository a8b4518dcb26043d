namespace MiniOneRec.Reinforcement;

/// <summary>Penalises misses by their rank: the more confident the mistake, the larger the penalty.</summary>
/// <remarks>
/// MiniOneRec (arXiv:2510.24431), the ranking reward: −1 / log₂(ρ + 1) for the miss at rank ρ = 1 … G, divided by the sum over all ranks so
/// that the whole group weighs 1; hits get 0, and a group without a hit gets 0 throughout. Departure: ranks follow the log-probabilities,
/// not the order of drawing, so that it means the same under every sampler.
/// </remarks>
public sealed class RankReward : IRewardFunction
{
    /// <inheritdoc/>
    public string Name => "rank";

    /// <inheritdoc/>
    public void Score(RolloutGroup group, Span<double> rewards)
    {
        ArgumentNullException.ThrowIfNull(group);
        if (!group.HasHit)
        {
            rewards.Clear();
            return;
        }

        double total = 0;
        for (int rank = 0; rank < rewards.Length; rank++)
        {
            total += 1 / Math.Log2(rank + 2);
        }

        for (int i = 0; i < rewards.Length; i++)
        {
            rewards[i] = group.IsHit(i) ? 0 : -1 / Math.Log2(group.RankOf(i) + 2) / total;
        }
    }
}

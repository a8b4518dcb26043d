namespace MiniOneRec.Reinforcement;

/// <summary>1 where the completion is the target's semantic ID, else 0.</summary>
/// <remarks>MiniOneRec (arXiv:2510.24431), the rule-based reward.</remarks>
public sealed class ExactMatchReward : IRewardFunction
{
    /// <inheritdoc/>
    public string Name => "exact-match";

    /// <inheritdoc/>
    public void Score(RolloutGroup group, Span<double> rewards)
    {
        ArgumentNullException.ThrowIfNull(group);
        for (int i = 0; i < rewards.Length; i++)
        {
            rewards[i] = group.IsHit(i) ? 1 : 0;
        }
    }
}

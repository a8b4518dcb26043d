namespace MiniOneRec.Reinforcement;

/// <summary>The share of the target's codes that the completion matches from the root: partial credit for the right branch of the
/// tree.</summary>
/// <remarks>With several targets the best counts. The target itself earns 1; a strict prefix or extension of it earns less.</remarks>
public sealed class SharedPrefixReward : IRewardFunction
{
    /// <inheritdoc/>
    public string Name => "shared-prefix";

    /// <inheritdoc/>
    public void Score(RolloutGroup group, Span<double> rewards)
    {
        ArgumentNullException.ThrowIfNull(group);
        for (int i = 0; i < rewards.Length; i++)
        {
            rewards[i] = 0;
            if (group.SemanticIdOf(i) is { } id)
            {
                foreach (var target in group.Targets)
                {
                    int shared = id.Codes.CommonPrefixLength(target.Codes);
                    rewards[i] = Math.Max(rewards[i], (double)shared / Math.Max(id.Depth, target.Depth));
                }
            }
        }
    }
}

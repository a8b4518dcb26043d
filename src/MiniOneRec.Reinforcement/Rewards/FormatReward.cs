namespace MiniOneRec.Reinforcement;

/// <summary>1 where the completion is an item of the catalogue, else 0.</summary>
/// <remarks>Completions of the samplers in this package always are; a sampler of the caller's own may be free to miss.</remarks>
public sealed class FormatReward : IRewardFunction
{
    /// <inheritdoc/>
    public string Name => "format";

    /// <inheritdoc/>
    public void Score(RolloutGroup group, Span<double> rewards)
    {
        ArgumentNullException.ThrowIfNull(group);
        for (int i = 0; i < rewards.Length; i++)
        {
            rewards[i] = group.CandidateIds[i] is null ? 0 : 1;
        }
    }
}

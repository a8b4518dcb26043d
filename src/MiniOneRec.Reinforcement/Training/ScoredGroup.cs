namespace MiniOneRec.Reinforcement;

/// <summary>A group on its way through a step.</summary>
/// <param name="Group">The completions.</param>
/// <param name="Prompt">The prompt's tokens.</param>
internal sealed record ScoredGroup(RolloutGroup Group, int[] Prompt)
{
    public double[] Rewards { get; } = new double[Group.Count];

    public double[] Advantages { get; } = new double[Group.Count];

    /// <summary>Gets the inclusion weights; empty where all are 1.</summary>
    public double[] Weights { get; } = Group.Rollouts.All(rollout => rollout.Weight == 1) ? [] : [.. Group.Rollouts.Select(rollout => rollout.Weight)];
}

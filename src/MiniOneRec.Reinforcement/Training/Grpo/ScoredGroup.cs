namespace MiniOneRec.Reinforcement;

/// <summary>A group on its way through a step.</summary>
/// <param name="Group">The completions.</param>
/// <param name="Prompt">The prompt's tokens.</param>
/// <param name="Drawn">The request that it was drawn by.</param>
/// <param name="Number">Its number among the request's prompts.</param>
internal sealed record ScoredGroup(RolloutGroup Group, int[] Prompt, RolloutRequest Drawn, int Number)
    : CompletionGroup(Prompt, [.. Group.Rollouts.Select(rollout => rollout.Tokens)])
{
    /// <summary>Gets or sets the log-probabilities under the policy that sampled, <c>[G, T]</c> row-major, where they are known.</summary>
    public float[]? LogProbs { get; set; }

    /// <summary>Gets or sets its place among the groups of the step that carry a signal, those of other processes included.</summary>
    public int Order { get; set; }

    public double[] Rewards { get; } = new double[Group.Count];

    public double[] Advantages { get; } = new double[Group.Count];

    /// <summary>Gets the inclusion weights; empty where all are 1.</summary>
    public double[] Weights { get; } = Group.Rollouts.All(rollout => rollout.Weight == 1) ? []
        : [.. Group.Rollouts.Select(rollout => rollout.Weight)];
}

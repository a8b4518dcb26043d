using MiniOneRec.Modeling;
using MiniOneRec.Training.Distributed;

namespace MiniOneRec.Reinforcement;

/// <summary>What the steps of a policy work with.</summary>
/// <param name="Policy">The model that is improved.</param>
/// <param name="Update">Updates its weights.</param>
/// <param name="Reference">What the KL is measured against.</param>
/// <param name="Prompts">The training examples.</param>
/// <param name="Space">Lays completions out for the model.</param>
internal sealed record PolicyContext(SemanticIdModel Policy, PolicyUpdate Update, ReferencePolicy Reference, PromptSource Prompts,
    CompletionSpace Space)
{
    /// <summary>Gets the processes that train together.</summary>
    public ParallelRun Parallel { get; init; } = ParallelRun.Of(null, Sharding.None);

    /// <summary>Names the processes at fault where a step gave numbers that are not finite.</summary>
    /// <param name="outcome">The step, the same in every process.</param>
    /// <param name="ownLoss">This process's part of the loss.</param>
    public PolicyOutcome Named(PolicyOutcome outcome, double ownLoss) =>
        outcome.Divergence is null ? outcome : outcome with { Where = Parallel.NameCulprits(ownLoss) };

    /// <summary>Gets the policy's decoder.</summary>
    public CausalLanguageModel Model => Policy.Backbone;
}

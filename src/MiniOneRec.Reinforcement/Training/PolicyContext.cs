using MiniOneRec.Modeling;

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
    /// <summary>Gets the policy's decoder.</summary>
    public CausalLanguageModel Model => Policy.Backbone;
}

using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>Keeps the prompts that a sampler ran, so that a pass under the same weights runs the completions alone.</summary>
/// <remarks>
/// The first search that serves a request fills the store; others keep caches of their own. A sampler that changes the request's model or
/// prompts, or runs none of this library's searches, leaves it empty of what is asked for, and the pass runs the prompts.
/// </remarks>
internal sealed class PromptStore : IDisposable
{
    private CausalLanguageModel? _model;
    private IReadOnlyList<int[]>? _prompts;

    public PromptCache Cache { get; } = new();

    /// <summary>Hands the cache to the first search that asks.</summary>
    public PromptCache? Claim(CausalLanguageModel model, IReadOnlyList<int[]> prompts)
    {
        if (_model is not null)
        {
            return null;
        }

        (_model, _prompts) = (model, prompts);
        return Cache;
    }

    /// <summary>Returns whether the cache holds exactly these prompts under this model.</summary>
    public bool Holds(CausalLanguageModel model, IReadOnlyList<int[]> prompts) =>
        ReferenceEquals(model, _model) && ReferenceEquals(prompts, _prompts) && Cache.Last is not null;

    /// <inheritdoc/>
    public void Dispose() => Cache.Dispose();
}

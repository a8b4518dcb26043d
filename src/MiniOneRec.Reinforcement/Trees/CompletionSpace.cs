using MiniOneRec.Modeling;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>Lays completions of one catalogue out for a model, with log-probabilities over the vocabulary or over the catalogue's
/// tree.</summary>
/// <param name="trie">The catalogue's tree.</param>
/// <param name="template">Which tokens stand for codes.</param>
/// <param name="device">Where the tensors live.</param>
/// <param name="space">What log-probabilities are normalised over.</param>
internal sealed class CompletionSpace(SemanticIdTrie trie, IPromptTemplate template, Device device, LogProbabilitySpace space)
{
    /// <summary>Gets T, the tokens of the longest completion.</summary>
    public int Width => trie.Depth + template.Terminator.Count;

    /// <summary>Lays completions out as one tree per group.</summary>
    public CompletionLayout Trees(IReadOnlyList<CompletionGroup> groups) => space == LogProbabilitySpace.Trie
        ? CompletionLayout.Trees(groups, Width, device, trie, template)
        : CompletionLayout.Trees(groups, Width, device);

    /// <summary>Lays completions out as branches on prompts that the policy ran with its present weights.</summary>
    /// <param name="groups">The groups, in the order of their prompts in the cache.</param>
    /// <param name="numbers">Which prompt of the cache each group continues, ascending.</param>
    /// <param name="prompts">The prompts; outlives the layout.</param>
    public CompletionLayout Branches(IReadOnlyList<CompletionGroup> groups, IReadOnlyList<int> numbers, PromptCache prompts) =>
        CompletionLayout.Branches(groups, numbers, prompts, Width, device, space == LogProbabilitySpace.Trie ? trie : null, template);
}

using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>Holds the request to a sampler: G completions of each of B prompts.</summary>
public sealed record RolloutRequest
{
    /// <summary>Gets the policy, in evaluation mode.</summary>
    public required CausalLanguageModel Model { get; init; }

    /// <summary>Gets the catalogue.</summary>
    public required SemanticIdTrie Trie { get; init; }

    /// <summary>Gets which tokens stand for codes.</summary>
    public required IPromptTemplate Template { get; init; }

    /// <summary>Gets the prompts, token ids.</summary>
    public required IReadOnlyList<int[]> Prompts { get; init; }

    /// <summary>Gets the trie nodes that are right for each prompt.</summary>
    public required IReadOnlyList<IReadOnlySet<int>> Targets { get; init; }

    /// <summary>Gets G.</summary>
    public required int GroupSize { get; init; }

    /// <summary>Gets the source of random numbers for samplers.</summary>
    public required Random Random { get; init; }

    /// <summary>Gets the store that keeps the prompts run for this request, or <see langword="null"/> where none does.</summary>
    internal PromptStore? Store { get; init; }

    /// <summary>Gets the cache that a search fills: the store's where that is wanted and free, else its own.</summary>
    internal PromptCache CacheOr(PromptCache own) => Store?.Claim(Model, Prompts) ?? own;

    /// <summary>Throws where G different completions do not exist.</summary>
    /// <exception cref="ArgumentException">The catalogue is smaller than the group.</exception>
    internal void RequireDistinct(string sampler)
    {
        int count = 0;
        for (int node = 1; node < Trie.NodeCount && count < GroupSize; node++)
        {
            count += Trie.IsTerminal(node) ? 1 : 0;
        }

        if (count < GroupSize)
        {
            throw new ArgumentException(
                $"The sampler '{sampler}' draws different completions, but the group size {GroupSize} exceeds the "
                + $"catalogue's {count} semantic IDs.");
        }
    }
}

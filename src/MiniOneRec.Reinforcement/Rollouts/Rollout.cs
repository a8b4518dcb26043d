using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>One completion of a prompt.</summary>
/// <param name="Tokens">The token ids as they were generated, terminator included; the loss reads the same.</param>
/// <param name="Node">Where the completion's items end in the trie, or −1 where it is no item.</param>
/// <param name="LogProbability">Its log-probability under the sampler's scoring, in nats; higher ranks first. −∞ where it was not
/// drawn.</param>
public sealed record Rollout(int[] Tokens, int Node, double LogProbability)
{
    /// <summary>Gets the inclusion weight p / q of a draw without replacement, or 1.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>Makes the completion of a semantic ID of the catalogue.</summary>
    internal static Rollout Of(SemanticIdTrie trie, IPromptTemplate template, int node, double logProbability) =>
        new(template.EncodeResponse(trie.PathTo(node)), node, logProbability);
}

namespace MiniOneRec.Modeling;

/// <summary>Tokens in which each knows its predecessor: a sequence is a chain, a prompt with several completions is a tree.</summary>
/// <remarks>A token attends to itself and its ancestors; its position is its depth. Parents come before children.</remarks>
public sealed class TokenTree
{
    private TokenTree(int[] tokens, int[]? parents)
    {
        Tokens = tokens;
        Parents = parents;
    }

    /// <summary>Gets the token ids.</summary>
    public IReadOnlyList<int> Tokens { get; }

    /// <summary>Gets the index of each token's predecessor, −1 at the root; <see langword="null"/> where the tree is a chain.</summary>
    public IReadOnlyList<int>? Parents { get; }

    /// <summary>Makes a chain.</summary>
    /// <param name="tokens">Token ids, at least one.</param>
    public static TokenTree Chain(int[] tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentOutOfRangeException.ThrowIfZero(tokens.Length, nameof(tokens));
        return new TokenTree(tokens, null);
    }

    /// <summary>Makes the tree of a prompt and its completions; completions share the nodes of their common prefixes.</summary>
    /// <param name="prompt">Token ids, at least one.</param>
    /// <param name="completions">G completions, token ids; equal ones share all nodes.</param>
    /// <param name="nodes">Node of each token of each completion.</param>
    /// <remarks>The logits that predict token <c>t</c> of a completion stand at node <c>t − 1</c>, or at the prompt's last token for <c>t =
    /// 0</c>.</remarks>
    public static TokenTree Branches(int[] prompt, IReadOnlyList<int[]> completions, out int[][] nodes)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(completions);
        ArgumentOutOfRangeException.ThrowIfZero(prompt.Length, nameof(prompt));

        var tokens = new List<int>(prompt);
        var parents = new List<int>(Enumerable.Range(-1, prompt.Length));
        var children = new Dictionary<(int Parent, int Token), int>();
        nodes = new int[completions.Count][];
        for (int g = 0; g < completions.Count; g++)
        {
            nodes[g] = new int[completions[g].Length];
            int parent = prompt.Length - 1;
            for (int t = 0; t < nodes[g].Length; t++)
            {
                if (!children.TryGetValue((parent, completions[g][t]), out int node))
                {
                    node = tokens.Count;
                    children.Add((parent, completions[g][t]), node);
                    tokens.Add(completions[g][t]);
                    parents.Add(parent);
                }

                nodes[g][t] = parent = node;
            }
        }

        bool chain = parents.Index().All(node => node.Item == node.Index - 1);
        return new TokenTree([.. tokens], chain ? null : [.. parents]);
    }
}

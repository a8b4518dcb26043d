namespace MiniOneRec.Modeling;

/// <summary>Where the items of packed token trees end, and which items each token has behind it.</summary>
/// <remarks>
/// An item ends at the token whose path is a semantic ID that no longer one continues: only there is it known which item it was, and no
/// code of it is
/// still to be predicted. A token sees the items that end at it or at one of its ancestors.
/// </remarks>
internal sealed class HistoryRows
{
    private readonly int[] _latest;                             // per token: the last item's end at or before it, as a token, or -1
    private readonly int[] _earlier;                            // per item's end: the end before it, or -1
    private readonly int[] _leaf;                               // per item's end: its node in the trie

    private HistoryRows(int[] latest, int[] earlier, int[] leaf, int[] ends) =>
        (_latest, _earlier, _leaf, Ends) = (latest, earlier, leaf, ends);

    /// <summary>Gets the tokens at which items end, ascending.</summary>
    public int[] Ends { get; }

    /// <summary>Gets the node of the item that ends at a token.</summary>
    public int LeafAt(int end) => _leaf[end];

    /// <summary>Reads packed trees.</summary>
    /// <param name="trees">The trees, in the order in which they are packed.</param>
    /// <param name="vocabulary">Which tokens are codes.</param>
    /// <param name="trie">The catalogue.</param>
    public static HistoryRows Of(IReadOnlyList<TokenTree> trees, SemanticIdVocabulary vocabulary, SemanticIdTrie trie)
    {
        int total = trees.Sum(tree => tree.Tokens.Count), offset = 0;
        int[] latest = new int[total], earlier = new int[total], leaf = new int[total], node = new int[total];
        var ends = new List<int>();
        foreach (var tree in trees)
        {
            for (int i = 0; i < tree.Tokens.Count; i++)
            {
                int parent = tree.Parents?[i] ?? i - 1, at = offset + i;
                int before = parent < 0 ? -1 : offset + parent;
                node[at] = Step(before < 0 ? -1 : node[before], tree.Tokens[i], vocabulary, trie);
                latest[at] = before < 0 ? -1 : latest[before];
                if (IsEnd(node[at], trie))
                {
                    (earlier[at], leaf[at], latest[at]) = (latest[at], node[at], at);
                    ends.Add(at);
                }
            }

            offset += tree.Tokens.Count;
        }

        return new HistoryRows(latest, earlier, leaf, [.. ends]);
    }

    /// <summary>Moves from one node of the trie to the next by a token; −1 outside of any semantic ID.</summary>
    public static int Step(int node, int token, SemanticIdVocabulary vocabulary, SemanticIdTrie trie)
    {
        if (!vocabulary.TryDecode(token, out int level, out int code))
        {
            return -1;
        }

        return level == 0 ? trie.Child(SemanticIdTrie.Root, code)
            : node >= 0 && trie.DepthOf(node) == level ? trie.Child(node, code)
            : -1;
    }

    /// <summary>Gets whether an item ends at a node, and no longer semantic ID goes on from it.</summary>
    public static bool IsEnd(int node, SemanticIdTrie trie) => node > 0 && trie.IsTerminal(node) && trie.Children(node) is var (start, end)
        && start == end;

    /// <summary>Lists the nodes of the items that a token has behind it, the last one first.</summary>
    /// <param name="token">The packed token.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="nodes">Receives the nodes; cleared first.</param>
    public void Before(int token, int most, List<int> nodes)
    {
        nodes.Clear();
        for (int end = _latest[token]; end >= 0 && nodes.Count < most; end = _earlier[end])
        {
            nodes.Add(_leaf[end]);
        }
    }
}

using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>Where a batch predicts whole items: the tokens before them, and what the items are.</summary>
/// <param name="Tokens">The packed token at which each item is predicted, M of them.</param>
/// <param name="Items">The rows of the items that each target's semantic ID stands for.</param>
internal sealed record DenseTargets(int[] Tokens, int[][] Items)
{
    /// <summary>Counts the items that trees predict.</summary>
    public static int Count(IEnumerable<SampleTree> trees, ContentModule content)
    {
        int count = 0;
        foreach (var tree in trees)
        {
            Visit(tree, content, (_, _) => count++);
        }

        return count;
    }

    /// <summary>Finds the items that packed trees predict.</summary>
    /// <param name="trees">The samples, in the order in which they are packed.</param>
    /// <param name="content">Knows the catalogue.</param>
    public static DenseTargets Of(IEnumerable<SampleTree> trees, ContentModule content)
    {
        List<int> tokens = [];
        List<int[]> items = [];
        int offset = 0;
        foreach (var tree in trees)
        {
            Visit(tree, content, (at, node) =>
            {
                tokens.Add(offset + at);
                items.Add(content.Trie.ItemsAt(node).ToArray());
            });
            offset += tree.TokenCount;
        }

        return new DenseTargets([.. tokens], [.. items]);
    }

    // An item is predicted where the labels of one sample spell a semantic ID from its first code on.
    private static void Visit(SampleTree tree, ContentModule content, Action<int, int> found)
    {
        int node = -1, first = 0;
        for (int i = 0; i < tree.Targets.Length; i++)
        {
            bool begins = content.Vocabulary.TryDecode(tree.Targets[i], out int level, out _) && level == 0;
            if (begins)
            {
                first = i;
            }

            node = begins || (i > 0 && tree.Samples[i] == tree.Samples[i - 1])
                ? HistoryRows.Step(node, tree.Targets[i], content.Vocabulary, content.Trie)
                : -1;
            bool continues = i + 1 < tree.Targets.Length && tree.Samples[i + 1] == tree.Samples[i]
                && content.Vocabulary.TryDecode(tree.Targets[i + 1], out int next, out _) && next > 0;
            if (node > 0 && !continues && content.Trie.IsTerminal(node))
            {
                found(tree.Nodes[first], node);
            }
        }
    }
}

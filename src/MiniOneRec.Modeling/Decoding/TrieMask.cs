using System.Collections;

namespace MiniOneRec.Modeling;

/// <summary>Marks the items and prefixes that a request allows: a test on items, folded up the trie.</summary>
/// <remarks>A prefix is allowed while an allowed item is below it. Made per request; immutable and safe for concurrent use.</remarks>
public sealed class TrieMask
{
    private readonly BitArray? _nodes;                              // where many items are excluded: a bit per node
    private readonly BitArray? _rows;
    private readonly HashSet<int>? _blockedNodes;                   // where few are: the blocked ones alone
    private readonly HashSet<int>? _blockedRows;

    private TrieMask(BitArray? nodes, BitArray? rows, HashSet<int>? blockedNodes, HashSet<int>? blockedRows, int allowed)
    {
        (_nodes, _rows, _blockedNodes, _blockedRows, AllowedItems) = (nodes, rows, blockedNodes, blockedRows, allowed);
    }

    /// <summary>Gets the number of items that are allowed.</summary>
    public int AllowedItems { get; }

    /// <summary>Allows all items but a few.</summary>
    /// <param name="trie">The trie.</param>
    /// <param name="nodeOfRow">Gets the node at which an item ends.</param>
    /// <param name="excludedRows">Items that must not be recommended.</param>
    /// <remarks>The cost grows with the excluded items, not with the catalogue.</remarks>
    public static TrieMask Excluding(SemanticIdTrie trie, Func<int, int> nodeOfRow, IEnumerable<int> excludedRows)
    {
        ArgumentNullException.ThrowIfNull(trie);
        ArgumentNullException.ThrowIfNull(nodeOfRow);
        ArgumentNullException.ThrowIfNull(excludedRows);

        var rows = new HashSet<int>(excludedRows);
        var blocked = new HashSet<int>();
        var lost = new Dictionary<int, int>();                      // items and children of a node that are gone
        foreach (int row in rows)
        {
            int node = nodeOfRow(row);
            while (true)
            {
                int gone = lost[node] = lost.GetValueOrDefault(node) + 1;
                var (start, end) = trie.Children(node);
                if (gone < end - start + trie.ItemsAt(node).Length)
                {
                    break;
                }

                blocked.Add(node);
                if (node == SemanticIdTrie.Root)
                {
                    break;
                }

                node = trie.Parent(node);
            }
        }

        return new TrieMask(null, null, blocked, rows, trie.ItemCount - rows.Count);
    }

    /// <summary>Allows the items that pass a test.</summary>
    /// <param name="trie">The trie.</param>
    /// <param name="allows">Whether an item, by row, is allowed.</param>
    /// <remarks>Looks at every item and node once.</remarks>
    public static TrieMask Where(SemanticIdTrie trie, Func<int, bool> allows)
    {
        ArgumentNullException.ThrowIfNull(trie);
        ArgumentNullException.ThrowIfNull(allows);

        var nodes = new BitArray(trie.NodeCount);
        var rows = new BitArray(trie.ItemCount);
        int allowed = 0;
        for (int node = trie.NodeCount - 1; node >= 0; node--)      // children before parents
        {
            bool any = false;
            foreach (int row in trie.ItemsAt(node))
            {
                if (allows(row))
                {
                    rows[row] = any = true;
                    allowed++;
                }
            }

            var (start, end) = trie.Children(node);
            for (int child = start; child < end && !any; child++)
            {
                any = nodes[child];
            }

            nodes[node] = any;
        }

        return new TrieMask(nodes, rows, null, null, allowed);
    }

    /// <summary>Returns whether an allowed item ends at or below a node.</summary>
    /// <param name="node">The node.</param>
    public bool AllowsNode(int node) => _nodes is not null ? _nodes[node] : !_blockedNodes!.Contains(node);

    /// <summary>Returns whether an item is allowed.</summary>
    /// <param name="row">The item's row.</param>
    public bool AllowsRow(int row) => _rows is not null ? _rows[row] : !_blockedRows!.Contains(row);
}

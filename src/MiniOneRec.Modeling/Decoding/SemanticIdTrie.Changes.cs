namespace MiniOneRec.Modeling;

/// <content>Tries that differ from another one by an item: copies of the arrays, with the nodes of the changed path put in or left
/// out.</content>
public sealed partial class SemanticIdTrie
{
    /// <summary>Makes the trie with one more item; its arrays are those of the trie that is built of all items.</summary>
    /// <param name="row">The item's row; the rows from it on move by one.</param>
    /// <param name="semanticId">The item's semantic ID.</param>
    /// <exception cref="ArgumentException">A code is above 65,535.</exception>
    internal SemanticIdTrie Insert(int row, SemanticId semanticId)
    {
        var codes = semanticId.Codes;
        if (codes.ContainsAnyExceptInRange(0, ushort.MaxValue))
        {
            throw new ArgumentException($"Item {row} has {semanticId}; expected codes up to {ushort.MaxValue}.", nameof(semanticId));
        }

        ReadOnlySpan<int> oldChild = _firstChild.Span, oldItem = _firstItem.Span;
        int known = 0, node = Root;
        for (int child; known < codes.Length && (child = Child(node, codes[known])) >= 0; known++)
        {
            node = child;
        }

        // New nodes: before which old node each comes. The children of a new node come before those of the old node behind it.
        Span<int> places = stackalloc int[codes.Length - known];
        for (int i = 0; i < places.Length; i++)
        {
            places[i] = i > 0 ? oldChild[places[i - 1]]
                : oldChild[node] + ~_codes.Span[oldChild[node]..oldChild[node + 1]].BinarySearch((ushort)codes[known]);
        }

        int added = places.Length;
        var firstChild = new int[NodeCount + added + 1];
        var firstItem = new int[NodeCount + added + 1];
        var nodeCodes = new ushort[NodeCount + added];
        for (int i = 0, from = 0; i <= added; i++)
        {
            // Before an old node's children stand the new nodes whose parent stands before that node.
            int to = i < added ? places[i] : NodeCount + 1;
            int parents = added == 0 ? 0 : Math.Min(i, added - 1) + 1, items = i == added ? 1 : 0;
            for (int old = from; old < to; old++)
            {
                firstChild[old + i] = oldChild[old] + (old > node ? parents : 0);
                firstItem[old + i] = oldItem[old] + (old > node ? items : 0);
            }

            _codes.Span[from..Math.Min(to, NodeCount)].CopyTo(nodeCodes.AsSpan(from + i));
            if (i < added)
            {
                firstChild[to + i] = i + 1 < added ? places[i + 1] + i + 1 : oldChild[to] + added;
                firstItem[to + i] = oldItem[to];
                nodeCodes[to + i] = (ushort)codes[known + i];
            }

            from = to;
        }

        int at = added > 0 ? oldItem[places[^1]] : oldItem[node] + CountBelow(ItemsAt(node), row);
        var rows = new int[ItemCount + 1];
        for (int i = 0; i < ItemCount; i++)
        {
            int old = _items.Span[i];
            rows[i < at ? i : i + 1] = old < row ? old : old + 1;
        }

        rows[at] = row;
        int[] levelStart = [.. _levelStart, .. Enumerable.Repeat(NodeCount, Math.Max(0, codes.Length - Depth))];
        for (int depth = known + 2; depth < levelStart.Length; depth++)
        {
            levelStart[depth] += Math.Min(depth - known - 1, added);
        }

        return new SemanticIdTrie(firstChild, nodeCodes, firstItem, rows, levelStart, owner: null);
    }

    /// <summary>Makes the trie without an item; its arrays are those of the trie that is built of the other items.</summary>
    /// <param name="row">The item's row; the rows behind it move by one.</param>
    /// <param name="semanticId">The item's semantic ID.</param>
    /// <exception cref="ArgumentException">The item does not end there, or is the only one.</exception>
    internal SemanticIdTrie Remove(int row, SemanticId semanticId)
    {
        int length = semanticId.Depth;
        Span<int> path = stackalloc int[length + 1];
        path[0] = Root;
        for (int level = 0; level < length && path[level] >= 0; level++)
        {
            path[level + 1] = Child(path[level], semanticId[level]);
        }

        int leaf = path[^1];
        if (leaf < 0 || ItemsAt(leaf).IndexOf(row) < 0 || ItemCount == 1)
        {
            throw new ArgumentException($"Item {row} with {semanticId} is not in the trie, or alone.", nameof(semanticId));
        }

        // The leaf goes where nothing else ends at it or lies below it, then each parent that has no other child and no item.
        ReadOnlySpan<int> oldChild = _firstChild.Span, oldItem = _firstItem.Span;
        int gone = 0;
        for (int node = leaf; gone < length && oldItem[node + 1] - oldItem[node] == (gone == 0 ? 1 : 0)
            && oldChild[node + 1] - oldChild[node] == (gone == 0 ? 0 : 1); node = path[length - gone])
        {
            gone++;
        }

        int parent = path[length - gone];
        var firstChild = new int[NodeCount - gone + 1];
        var firstItem = new int[NodeCount - gone + 1];
        var nodeCodes = new ushort[NodeCount - gone];
        for (int i = 0, from = 0; i <= gone; i++)
        {
            int to = i < gone ? path[length - gone + 1 + i] : NodeCount + 1;
            int parents = gone == 0 ? 0 : Math.Min(i, gone - 1) + 1;
            for (int old = from; old < to; old++)
            {
                firstChild[old - i] = oldChild[old] - (old > parent ? parents : 0);
                firstItem[old - i] = oldItem[old] - (old > leaf ? 1 : 0);
            }

            _codes.Span[from..Math.Min(to, NodeCount)].CopyTo(nodeCodes.AsSpan(from - i));
            from = to + 1;
        }

        int at = oldItem[leaf] + ItemsAt(leaf).IndexOf(row);
        var rows = new int[ItemCount - 1];
        for (int i = 0; i < rows.Length; i++)
        {
            int old = _items.Span[i < at ? i : i + 1];
            rows[i] = old < row ? old : old - 1;
        }

        var levelStart = new List<int>(_levelStart);
        for (int depth = length - gone + 2; depth < levelStart.Count; depth++)
        {
            levelStart[depth] -= Math.Min(depth - (length - gone) - 1, gone);
        }

        while (levelStart[^1] == levelStart[^2])
        {
            levelStart.RemoveAt(levelStart.Count - 1);
        }

        return new SemanticIdTrie(firstChild, nodeCodes, firstItem, rows, [.. levelStart], owner: null);
    }

    private static int CountBelow(ReadOnlySpan<int> ascending, int value) =>
        ascending.BinarySearch(value) is var at && at < 0 ? ~at : at;
}

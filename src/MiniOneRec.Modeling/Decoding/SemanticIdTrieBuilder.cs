using System.Numerics;

namespace MiniOneRec.Modeling;

/// <summary>Builds the arrays of a trie from a matrix of codes: sorts the items by path, then numbers the nodes level by level.</summary>
internal static class SemanticIdTrieBuilder
{
    /// <summary>Builds a trie.</summary>
    /// <param name="codes"><c>[N, L]</c> row-major, at least one row; −1 fills rows that end earlier.</param>
    /// <param name="depth">L, at least 1.</param>
    /// <exception cref="ArgumentException">A row is empty or goes on after its end, or a code is below −1 or above 65,535.</exception>
    public static SemanticIdTrie Build(ReadOnlySpan<int> codes, int depth)
    {
        int items = codes.Length / depth;
        var (order, matrix) = Sort(codes, depth, items);

        // Level by level: a new node wherever parent or code differ from the item before.
        var firstChild = new List<int>(items + 1);
        var nodeCodes = new List<ushort>(items + 1) { 0 };
        var levelStart = new List<int> { 0, 1 };
        var nodeOf = new int[items];
        for (int level = 0; level < depth; level++)
        {
            int parent = -1, code = -1;
            for (int i = 0; i < items; i++)
            {
                int next = matrix[(long)order[i] * depth + level];
                if (nodeOf[i] < levelStart[level] || next < 0)
                {
                    continue;                                           // this item ended above
                }

                if (nodeOf[i] != parent || next != code)
                {
                    (parent, code) = (nodeOf[i], next);
                    while (firstChild.Count <= parent)
                    {
                        firstChild.Add(nodeCodes.Count);
                    }

                    nodeCodes.Add((ushort)next);
                }

                nodeOf[i] = nodeCodes.Count - 1;
            }

            while (firstChild.Count < levelStart[level + 1])
            {
                firstChild.Add(nodeCodes.Count);                        // childless nodes at the end of the level
            }

            levelStart.Add(nodeCodes.Count);
        }

        while (firstChild.Count <= nodeCodes.Count)
        {
            firstChild.Add(nodeCodes.Count);
        }

        // Items by node: counting sort keeps rows ascending within a leaf.
        var firstItem = new int[nodeCodes.Count + 1];
        foreach (int node in nodeOf)
        {
            firstItem[node + 1]++;
        }

        for (int node = 0; node < nodeCodes.Count; node++)
        {
            firstItem[node + 1] += firstItem[node];
        }

        var rows = new int[items];
        var nextRow = firstItem.AsSpan(0, nodeCodes.Count).ToArray();
        for (int i = 0; i < items; i++)
        {
            rows[nextRow[nodeOf[i]]++] = order[i];
        }

        return new SemanticIdTrie(firstChild.ToArray(), nodeCodes.ToArray(), firstItem, rows, [.. levelStart], owner: null);
    }

    // Sorts rows by path, a prefix before its extensions, equal paths by row.
    private static (int[] Order, int[] Matrix) Sort(ReadOnlySpan<int> codes, int depth, int items)
    {
        var matrix = codes.ToArray();
        int bits = 0;
        var widths = new int[depth];
        for (int level = 0; level < depth; level++)
        {
            int largest = -1;
            for (int i = level; i < matrix.Length; i += depth)
            {
                int code = matrix[i];
                if (code is < -1 or > ushort.MaxValue)
                {
                    throw new ArgumentException(
                        $"Item {i / depth} has code {code} at level {level}; expected 0 to {ushort.MaxValue}, or -1 after its end.",
                        nameof(codes));
                }

                if (code >= 0 && level > 0 && matrix[i - 1] < 0)
                {
                    throw new ArgumentException($"Item {i / depth} has a code at level {level} after its end.", nameof(codes));
                }

                largest = Math.Max(largest, code);
            }

            widths[level] = BitOperations.Log2((uint)largest + 1) + 1;
            bits += widths[level];
            if (level == 0)
            {
                for (int i = 0; i < matrix.Length; i += depth)
                {
                    if (matrix[i] < 0)
                    {
                        throw new ArgumentException($"Item {i / depth} has no codes.", nameof(codes));
                    }
                }
            }
        }

        int[] order = [.. Enumerable.Range(0, items)];
        if (bits <= 64)
        {
            var keys = new ulong[items];
            for (int i = 0; i < items; i++)
            {
                ulong key = 0;
                for (int level = 0; level < depth; level++)
                {
                    key = (key << widths[level]) | (uint)(matrix[i * depth + level] + 1);
                }

                keys[i] = key;
            }

            Array.Sort(keys, order);
            for (int start = 0; start < items;)
            {
                int end = start + 1;
                while (end < items && keys[end] == keys[start])
                {
                    end++;
                }

                order.AsSpan(start, end - start).Sort();
                start = end;
            }
        }
        else
        {
            Array.Sort(order, (a, b) =>
            {
                int compared = matrix.AsSpan(a * depth, depth).SequenceCompareTo(matrix.AsSpan(b * depth, depth));
                return compared != 0 ? compared : a.CompareTo(b);
            });
        }

        return (order, matrix);
    }
}

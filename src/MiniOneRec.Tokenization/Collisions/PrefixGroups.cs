namespace MiniOneRec.Tokenization;

/// <summary>Rows with equal codes above the last level, and which of them want a code that another row wants or has.</summary>
/// <param name="Free">The codes of the last level that contested rows may get, ascending.</param>
/// <param name="Contested">The rows with a rival, in the order of their keys.</param>
internal sealed record PrefixGroup(int[] Free, int[] Contested)
{
    /// <summary>Finds the groups that have contested rows.</summary>
    /// <param name="codes">The codes, <c>[N, L]</c>.</param>
    /// <param name="size">K of the last level.</param>
    /// <param name="taken">Semantic IDs that must not be given; of deeper ones the first L codes count.</param>
    /// <param name="keys">What orders rows that are alike, or <see langword="null"/> for the rows themselves.</param>
    public static IEnumerable<PrefixGroup> Find(CodeTable codes, int size, IEnumerable<SemanticId> taken, IReadOnlyList<string>? keys)
    {
        int last = codes.Depth - 1;
        var takenCodes = taken.Where(id => id.Depth > last)
            .ToLookup(id => last == 0 ? null : new SemanticId(id.Codes[..last]), id => id[last]);
        int[] order = [.. Enumerable.Range(0, codes.Count)];
        Array.Sort(order,
            (a, b) => codes[a][..last].SequenceCompareTo(codes[b][..last]) is var prefix and not 0 ? prefix : Compare(a, b, keys));
        for (int start = 0, end; start < order.Length; start = end)
        {
            var prefix = codes[order[start]][..last];
            for (end = start + 1; end < order.Length && codes[order[end]][..last].SequenceEqual(prefix); end++)
            {
            }

            var rows = order.AsSpan(start..end);
            int[] demand = new int[size];
            foreach (int row in rows)
            {
                demand[codes[row, last]]++;
            }

            bool[] closed = new bool[size];
            if (takenCodes.Count > 0)
            {
                foreach (int code in takenCodes[last == 0 ? null : new SemanticId(prefix)])
                {
                    closed[code] = true;
                }
            }

            var contested = new List<int>();
            foreach (int row in rows)
            {
                int code = codes[row, last];
                if (demand[code] > 1 || closed[code])
                {
                    contested.Add(row);
                }
            }

            if (contested.Count > 0)
            {
                yield return new PrefixGroup([.. Enumerable.Range(0, size).Where(code => !closed[code] && demand[code] != 1)],
                    [.. contested]);
            }
        }
    }

    private static int Compare(int a, int b, IReadOnlyList<string>? keys) =>
        keys is not null && string.CompareOrdinal(keys[a], keys[b]) is var order and not 0 ? order : a.CompareTo(b);
}

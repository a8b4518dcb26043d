namespace MiniOneRec.Tokenization;

/// <summary>One more code for items that share theirs, none for the others.</summary>
internal static class ExtraLevel
{
    /// <summary>Numbers the items of each group in the order of their keys, from the first number that is not taken.</summary>
    public static (IReadOnlyList<int> LevelSizes, IReadOnlyList<MovedItem> Moved) Append(
        SemanticId[] nearest, SemanticId[] chosen, IReadOnlyList<int> levelSizes, int extraSize, IReadOnlyList<string>? keys,
        IReadOnlyCollection<SemanticId> taken,
        CollisionOverflow? overflow = null)
    {
        if (levelSizes.Count == SemanticId.MaxDepth)
        {
            throw new InvalidOperationException(
                $"{nameof(CollisionPolicy)}.{nameof(CollisionPolicy.ExtraLevel)} needs a level more than the "
                + $"{SemanticId.MaxDepth} that there can be.");
        }

        int depth = levelSizes.Count;
        var used = taken.Where(id => id.Depth >= depth)
            .ToLookup(id => new SemanticId(id.Codes[..depth]), id => id.Depth > depth ? id[depth] : -1);
        var moved = new List<MovedItem>();
        foreach (var group in Enumerable.Range(0, nearest.Length).GroupBy(row => nearest[row]))
        {
            var numbers = used[group.Key].ToHashSet();
            if (numbers.Count == 0 && group.Skip(1).FirstOrDefault(-1) < 0)
            {
                continue;
            }

            int number = 0;
            foreach (int row in keys is null ? group.AsEnumerable() : group.OrderBy(row => keys[row], StringComparer.Ordinal))
            {
                for (; numbers.Contains(number); number++)
                {
                }

                if (number >= overflow?.ExtraLevelSize)
                {
                    overflow.Rows.Add(row);
                    continue;
                }

                chosen[row] = new SemanticId([.. group.Key.Codes, number]);
                moved.Add(new MovedItem(row, group.Key, chosen[row], 0, 0));
                extraSize = Math.Max(extraSize, ++number);
            }
        }

        moved.Sort((a, b) => a.Row.CompareTo(b.Row));
        return ([.. levelSizes, extraSize], moved);
    }
}

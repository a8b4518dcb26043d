namespace MiniOneRec.Modeling;

/// <summary>One step from an index to another: an item comes to a row, or leaves it.</summary>
/// <param name="Row">The row, in the index that the steps before make.</param>
/// <param name="SemanticId">The item's semantic ID.</param>
/// <param name="IsAdded">Whether the item comes.</param>
internal readonly record struct IndexStep(int Row, SemanticId SemanticId, bool IsAdded);

/// <summary>Finds the few items by which an index differs from another.</summary>
internal static class IndexDifference
{
    /// <summary>Returns the steps from one index to the other, or <see langword="null"/> where they are more than <paramref name="most"/>,
    /// an item has moved, or the first index is so small that nothing of it might be left in between.</summary>
    public static IReadOnlyList<IndexStep>? Find(SemanticIdIndex from, SemanticIdIndex to, int most)
    {
        var steps = new List<IndexStep>();
        if (from.Count <= most || Math.Abs(from.Count - to.Count) > most)
        {
            return null;
        }

        for (int old = 0, row = 0; old < from.Count || row < to.Count;)
        {
            bool both = old < from.Count && row < to.Count;
            if (both && from.Items[old] == to.Items[row] && from.SemanticIds[old] == to.SemanticIds[row])
            {
                (old, row) = (old + 1, row + 1);
            }
            else if (old < from.Count && (!to.TryGetRow(from.Items[old], out int there) || there == row))
            {
                steps.Add(new IndexStep(row, from.SemanticIds[old++], IsAdded: false));
                if (both && from.Items[old - 1] == to.Items[row])
                {
                    steps.Add(new IndexStep(row, to.SemanticIds[row++], IsAdded: true));    // the same item with another semantic ID
                }
            }
            else if (row < to.Count && !from.TryGetRow(to.Items[row], out _))
            {
                steps.Add(new IndexStep(row, to.SemanticIds[row++], IsAdded: true));
            }
            else
            {
                return null;
            }

            if (steps.Count > most)
            {
                return null;
            }
        }

        return steps;
    }
}

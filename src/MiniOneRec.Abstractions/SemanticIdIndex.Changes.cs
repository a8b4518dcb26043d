namespace MiniOneRec;

// Indexes that differ from another one by an item.
public sealed partial class SemanticIdIndex
{
    /// <summary>Makes the index with one more item. It equals the one that is built of all entries, and takes the time of a copy of the
    /// rows, because the lookups are shared.</summary>
    /// <param name="row">The row of the new item, from 0 to <see cref="Count"/>; later rows move by one.</param>
    /// <param name="itemId">The item's id.</param>
    /// <param name="semanticId">Its semantic ID, within <see cref="LevelSizes"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The row is below 0 or above <see cref="Count"/>.</exception>
    /// <exception cref="ArgumentException">The item is in the index, or a code is outside its level's size.</exception>
    public SemanticIdIndex Insert(int row, string itemId, SemanticId semanticId)
    {
        ArgumentNullException.ThrowIfNull(itemId);
        ArgumentNullException.ThrowIfNull(semanticId);
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(row, Count);
        if (TryGetRow(itemId, out _))
        {
            throw new ArgumentException($"Item '{itemId}' is in the index already.", nameof(itemId));
        }

        for (int level = 0; level < semanticId.Depth; level++)
        {
            if (level >= LevelSizes.Count || semanticId[level] >= LevelSizes[level])
            {
                throw new ArgumentException(
                    $"Item '{itemId}' has {semanticId}: code {semanticId[level]} at level {level} is outside the level sizes "
                    + $"[{string.Join(", ", LevelSizes)}].", nameof(semanticId));
            }
        }

        return new SemanticIdIndex([.. _items.AsSpan(..row), itemId, .. _items.AsSpan(row..)],
            [.. _semanticIds.AsSpan(..row), semanticId, .. _semanticIds.AsSpan(row..)], LevelSizes,
            _lookup.Insert(row, itemId, semanticId));
    }

    /// <summary>Makes the index without an item. It equals the one that is built of the other entries, and takes the time of a copy of the
    /// rows, because the lookups are shared.</summary>
    /// <param name="itemId">The item's id; later rows move by one.</param>
    /// <exception cref="KeyNotFoundException">The item is not in the index.</exception>
    /// <exception cref="InvalidOperationException">It is the only item.</exception>
    public SemanticIdIndex Remove(string itemId)
    {
        ArgumentNullException.ThrowIfNull(itemId);
        var semanticId = this[itemId];
        if (Count == 1)
        {
            throw new InvalidOperationException("An index needs at least one item.");
        }

        TryGetRow(itemId, out int row);
        return new SemanticIdIndex([.. _items.AsSpan(..row), .. _items.AsSpan((row + 1)..)],
            [.. _semanticIds.AsSpan(..row), .. _semanticIds.AsSpan((row + 1)..)], LevelSizes, _lookup.Remove(itemId, semanticId));
    }
}

namespace MiniOneRec.Vectors;

/// <summary>Item ids by row and rows by item id, shared by all sources of one set of vectors.</summary>
internal sealed class ItemRows
{
    private readonly string[] _ids;
    private readonly Dictionary<string, int> _rows;

    /// <exception cref="ArgumentException">No ids, an empty one, or one twice.</exception>
    public ItemRows(IReadOnlyList<string> itemIds)
    {
        ArgumentNullException.ThrowIfNull(itemIds);
        if (itemIds.Count == 0)
        {
            throw new ArgumentException("Item vectors need at least one item.", nameof(itemIds));
        }

        _ids = [.. itemIds];
        _rows = new Dictionary<string, int>(_ids.Length, StringComparer.Ordinal);
        for (int row = 0; row < _ids.Length; row++)
        {
            if (string.IsNullOrEmpty(_ids[row]))
            {
                throw new ArgumentException($"Row {row} has no item id.", nameof(itemIds));
            }

            if (!_rows.TryAdd(_ids[row], row))
            {
                throw new ArgumentException($"Item '{_ids[row]}' has rows {_rows[_ids[row]]} and {row}; each item has one row.",
                    nameof(itemIds));
            }
        }
    }

    public IReadOnlyList<string> Ids => _ids;

    /// <summary>Gets the row of an item, or −1.</summary>
    public int Find(string itemId) => _rows.TryGetValue(itemId, out int row) ? row : -1;

    public bool SameAs(ItemRows other) => ReferenceEquals(this, other) || _ids.AsSpan().SequenceEqual(other._ids);
}

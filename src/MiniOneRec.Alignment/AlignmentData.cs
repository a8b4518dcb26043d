namespace MiniOneRec.Alignment;

/// <summary>Holds the data from which tasks make their samples.</summary>
/// <param name="Index">The catalogue's semantic IDs.</param>
/// <param name="Sequences">Each user's training interactions, oldest first.</param>
public sealed record AlignmentData(SemanticIdIndex Index, IReadOnlyList<UserSequence> Sequences)
{
    private Dictionary<string, Item>? _itemsById;

    /// <summary>Gets the training rows, where the data set gives them; by default tasks expand <see cref="Sequences"/>.</summary>
    public IReadOnlyList<NextItemExample>? Rows { get; init; }

    /// <summary>Gets the catalogue's items with their texts, for tasks that speak of them.</summary>
    public IReadOnlyList<Item> Items { get; init; } = [];

    /// <summary>Gets an item's title, or <see langword="null"/> where the item is unknown or has none.</summary>
    /// <param name="itemId">The item.</param>
    public string? TitleOf(string itemId)
    {
        _itemsById ??= Items.ToDictionary(item => item.Id, StringComparer.Ordinal);
        return _itemsById.TryGetValue(itemId, out var item) && item.Title.Length > 0 ? item.Title : null;
    }

    /// <summary>Gets the semantic IDs of the items that the index knows, in their order.</summary>
    /// <param name="itemIds">The items.</param>
    public SemanticId[] KnownIds(IEnumerable<string> itemIds) => Index.KnownIds(itemIds, int.MaxValue, out _);

    /// <summary>Gets the titles of the items that have one, in their order.</summary>
    /// <param name="itemIds">The items.</param>
    public string[] KnownTitles(IEnumerable<string> itemIds)
    {
        ArgumentNullException.ThrowIfNull(itemIds);
        return [.. itemIds.Select(TitleOf).OfType<string>()];
    }

    /// <summary>Gets the rows: those given, or every item but the first of each sequence with the items before it.</summary>
    /// <param name="maxHistory">The longest history; older items are left out.</param>
    public IEnumerable<NextItemExample> RowsOrPrefixes(int maxHistory)
    {
        if (Rows is not null)
        {
            return Rows.Select(row => row.History.Count <= maxHistory ? row
                : row with { History = [.. row.History.Skip(row.History.Count - maxHistory)] });
        }

        return Sequences.SelectMany(sequence =>
            Enumerable.Range(1, Math.Max(0, sequence.ItemIds.Count - 1)).Select(target => new NextItemExample(
            sequence.UserId,
            [.. sequence.ItemIds.Skip(Math.Max(0, target - maxHistory)).Take(Math.Min(target, maxHistory))],
            sequence.ItemIds[target])));
    }
}

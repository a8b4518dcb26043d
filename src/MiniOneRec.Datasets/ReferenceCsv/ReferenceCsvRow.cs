namespace MiniOneRec.Datasets;

/// <summary>One row of a reference CSV file: a history and the item that followed it.</summary>
internal sealed record ReferenceCsvRow
{
    /// <summary>Gets the one-based line of the file on which the row starts.</summary>
    public required long Line { get; init; }

    /// <summary>Gets the user's key.</summary>
    public required string UserId { get; init; }

    /// <summary>Gets the items before the target, oldest first.</summary>
    public required IReadOnlyList<string> HistoryItemIds { get; init; }

    /// <summary>Gets the target.</summary>
    public required string ItemId { get; init; }

    /// <summary>Gets the history's titles, one per item; empty where the file has no such column.</summary>
    public IReadOnlyList<string> HistoryTitles { get; init; } = [];

    /// <summary>Gets the target's title, empty where the file has no such column.</summary>
    public string Title { get; init; } = "";

    /// <summary>Gets the history's semantic IDs; items without one are left out, so there may be fewer than items.</summary>
    public IReadOnlyList<SemanticId> HistorySemanticIds { get; init; } = [];

    /// <summary>Gets the target's semantic ID, or <see langword="null"/> where the file has no such column.</summary>
    public SemanticId? SemanticId { get; init; }

    /// <summary>Gets the row as an example.</summary>
    public NextItemExample ToExample() => new(UserId, HistoryItemIds, ItemId);
}

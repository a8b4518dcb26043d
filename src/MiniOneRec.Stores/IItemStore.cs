namespace MiniOneRec.Stores;

/// <summary>One item that was added or removed while serving.</summary>
/// <param name="Item">The item, with text and attributes.</param>
public sealed record StoredItem(Item Item)
{
    /// <summary>Gets the item's semantic ID in each catalogue that gave it one, by the fingerprint of the catalogue's first index, as
    /// text.</summary>
    public IReadOnlyDictionary<string, string> SemanticIds { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets whether the item was removed. It keeps its semantic IDs, so that no other item gets them.</summary>
    public bool IsRemoved { get; init; }

    /// <summary>Gets the revision of the store that wrote it; set by the store.</summary>
    public long Revision { get; init; }
}

/// <summary>Keeps the items that were added, changed or removed while serving, as a sequence of revisions.</summary>
/// <remarks>
/// Implementations are safe for concurrent use, also by several processes. Writers state the revision that they have seen, so that of two
/// replicas which choose semantic IDs at once
/// only one succeeds; the other reads the changes and chooses again.
/// </remarks>
public interface IItemStore
{
    /// <summary>Makes tables or checks the connection; called once before other calls.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task InitializeAsync(CancellationToken cancellationToken = default);

    /// <summary>Gets the revision of the last change; 0 for an empty store.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<long> RevisionAsync(CancellationToken cancellationToken = default);

    /// <summary>Gets an item, also one that was removed, or <see langword="null"/>.</summary>
    /// <param name="id">The item's id.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<StoredItem?> GetAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>Writes items, all or none, where nobody has written since a revision.</summary>
    /// <param name="items">The items, each at most once; their revisions become the next ones, in order.</param>
    /// <param name="expectedRevision">The revision that the caller has seen.</param>
    /// <param name="cancellationToken">Ends the waiting; the items may be written all the same.</param>
    /// <returns>The revision of the last item, or <see langword="null"/> where another writer was first and nothing is written.</returns>
    Task<long?> TryWriteAsync(IReadOnlyList<StoredItem> items, long expectedRevision, CancellationToken cancellationToken = default);

    /// <summary>Reads what changed since a revision: the present state of each item that was written later, by revision.</summary>
    /// <param name="after">The revision that the caller has seen.</param>
    /// <param name="most">How many items at most.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<IReadOnlyList<StoredItem>> ReadChangesAsync(long after, int most, CancellationToken cancellationToken = default);
}

using MiniOneRec.Stores;

namespace MiniOneRec.AspNetCore;

/// <summary>A change of an item that waits for its turn.</summary>
/// <param name="id">The item.</param>
/// <param name="item">The new content, or null where the item is removed.</param>
/// <param name="semanticId">The semantic ID that the caller wants, or null.</param>
internal sealed class PendingChange(string id, Item? item, SemanticId? semanticId)
{
    private readonly TaskCompletionSource<StoredItem> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Id => id;

    public Item? Item => item;

    public SemanticId? SemanticId => semanticId;

    public Task<StoredItem> Done => _done.Task;

    /// <summary>Gets or sets what will be written.</summary>
    public StoredItem? Next { get; set; }

    public bool IsOpen => !_done.Task.IsCompleted;

    public void Succeed(StoredItem stored) => _done.TrySetResult(stored);

    public void Fail(Exception error) => _done.TrySetException(error);
}

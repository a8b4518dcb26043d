namespace MiniOneRec.Stores;

/// <summary>Keeps the events of users.</summary>
/// <remarks>Implementations are safe for concurrent use, also by several processes. What a completed append stored is there after the
/// process was killed.</remarks>
public interface IHistoryStore
{
    /// <summary>Makes tables or checks the connection; called once before other calls.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task InitializeAsync(CancellationToken cancellationToken = default);

    /// <summary>Stores a batch, all of it or nothing; events whose <see cref="StoredEvent.EventId"/> is there already are left
    /// out.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="cancellationToken">Ends the waiting; the batch may be stored all the same.</param>
    /// <exception cref="IdempotencyConflictException">The batch's key was used before for other content; nothing is stored.</exception>
    /// <exception cref="ArgumentException">A key is empty, longer than 1,024 characters or holds NUL; nothing is stored.</exception>
    Task<AppendResult> AppendAsync(EventBatch batch, CancellationToken cancellationToken = default);

    /// <summary>Reads a user's most recent events.</summary>
    /// <param name="userId">The user.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The events, oldest first; those of one time in the order of their arrival. Empty for an unknown user.</returns>
    Task<IReadOnlyList<StoredEvent>> ReadAsync(string userId, int most, CancellationToken cancellationToken = default);

    /// <summary>Deletes all that is stored of a user.</summary>
    /// <param name="userId">The user.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>How many events were deleted.</returns>
    Task<long> EraseAsync(string userId, CancellationToken cancellationToken = default);

    /// <summary>Reads all events: user after user, a user's events oldest first.</summary>
    /// <param name="cancellationToken">Stops between events.</param>
    IAsyncEnumerable<StoredEvent> ReadAllAsync(CancellationToken cancellationToken = default);

    /// <summary>Counts the events.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<long> CountAsync(CancellationToken cancellationToken = default);
}

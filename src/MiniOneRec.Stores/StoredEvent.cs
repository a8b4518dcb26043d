namespace MiniOneRec.Stores;

/// <summary>One event of a user as it is stored.</summary>
/// <param name="UserId">The user's key.</param>
/// <param name="ItemId">The item.</param>
public sealed record StoredEvent(string UserId, string ItemId)
{
    /// <summary>Gets the sender's key of the event, or <see langword="null"/>; an event whose key is stored already is not stored
    /// again.</summary>
    public string? EventId { get; init; }

    /// <summary>Gets the type, for example <c>view</c> or <c>purchase</c>, or <see langword="null"/>.</summary>
    public string? EventType { get; init; }

    /// <summary>Gets when it happened, in Unix milliseconds.</summary>
    public long TimeMilliseconds { get; init; }

    /// <summary>Gets the weight, for example a rating, or <see langword="null"/>.</summary>
    public double? Weight { get; init; }

    /// <summary>Gets the recommendation that the event followed, or <see langword="null"/>.</summary>
    public string? RecommendationId { get; init; }
}

/// <summary>Events that are stored together or not at all.</summary>
/// <param name="Events">The events, in the order of their arrival.</param>
public sealed record EventBatch(IReadOnlyList<StoredEvent> Events)
{
    /// <summary>Gets the sender's key of the whole batch, or <see langword="null"/>.</summary>
    public string? Key { get; init; }

    /// <summary>Gets a hash of the batch's content, needed where there is a key.</summary>
    public string? ContentHash { get; init; }
}

/// <summary>What became of a batch.</summary>
/// <param name="Accepted">How many events were stored.</param>
/// <param name="Duplicates">How many were stored before under their key.</param>
/// <param name="Repeated">Whether the whole batch was stored before under its key; the counts are those of the first time.</param>
public readonly record struct AppendResult(int Accepted, int Duplicates, bool Repeated);

/// <summary>Thrown where the key of a batch was used before for other content.</summary>
public sealed class IdempotencyConflictException : InvalidOperationException
{
    /// <summary>Makes an exception with a standard message.</summary>
    public IdempotencyConflictException()
        : base("The key of the batch was used before for other content.")
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">The message.</param>
    public IdempotencyConflictException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">The message.</param>
    /// <param name="innerException">The cause.</param>
    public IdempotencyConflictException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

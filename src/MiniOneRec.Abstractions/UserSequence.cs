using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>The items of one user in the order of time.</summary>
/// <param name="UserId">The user's key.</param>
/// <param name="ItemIds">Item ids, oldest first.</param>
/// <remarks>
/// Times, types and weights have one entry per item where they are there; code that cuts or filters sequences keeps them together. Two
/// sequences are equal where all they hold is equal.
/// </remarks>
public sealed record UserSequence(string UserId, IReadOnlyList<string> ItemIds)
{
    /// <summary>Gets one Unix time in seconds per item, or <see langword="null"/> where the source has no times.</summary>
    public IReadOnlyList<long>? Timestamps { get; init; }

    /// <summary>Gets one type per item, for example <c>view</c> or <c>purchase</c>, or <see langword="null"/> where the source has no
    /// types.</summary>
    public IReadOnlyList<string>? EventTypes { get; init; }

    /// <summary>Gets one weight per item, for example a rating, or <see langword="null"/> where the source has no weights.</summary>
    [JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public IReadOnlyList<double>? Weights { get; init; }

    /// <summary>Gets one interaction of the sequence with all that is known of it.</summary>
    /// <param name="position">The position, zero-based.</param>
    public Interaction At(int position) => new(UserId, ItemIds[position])
    {
        Timestamp = Timestamps?[position],
        EventType = EventTypes?[position],
        Weight = Weights?[position],
    };

    /// <summary>Returns whether another sequence has the same content.</summary>
    /// <param name="other">The other sequence.</param>
    public bool Equals(UserSequence? other) => ReferenceEquals(this, other)
        || (other is not null && UserId == other.UserId && Same(ItemIds, other.ItemIds) && Same(Timestamps, other.Timestamps)
            && Same(EventTypes, other.EventTypes) && Same(Weights, other.Weights));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(UserId, ItemIds?.Count);

    private static bool Same<T>(IReadOnlyList<T>? left, IReadOnlyList<T>? right) =>
        ReferenceEquals(left, right) || (left is not null && right is not null && left.SequenceEqual(right));
}

/// <summary>One user's one interaction with one item.</summary>
/// <param name="UserId">The user's key.</param>
/// <param name="ItemId">The item.</param>
public readonly record struct Interaction(string UserId, string ItemId)
{
    /// <summary>Gets the Unix time in seconds, or <see langword="null"/> where the source has no times.</summary>
    public long? Timestamp { get; init; }

    /// <summary>Gets the type, for example <c>view</c> or <c>purchase</c>, or <see langword="null"/> where the source has no
    /// types.</summary>
    public string? EventType { get; init; }

    /// <summary>Gets the weight, for example a rating, or <see langword="null"/> where the source has no weights.</summary>
    [JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public double? Weight { get; init; }
}

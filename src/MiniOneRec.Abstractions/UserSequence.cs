namespace MiniOneRec;

/// <summary>The items of one user in the order of time.</summary>
/// <param name="UserId">The user's key.</param>
/// <param name="ItemIds">Item ids, oldest first.</param>
public sealed record UserSequence(string UserId, IReadOnlyList<string> ItemIds)
{
    /// <summary>Gets one Unix time in seconds per item, or <see langword="null"/> where the source has no times.</summary>
    public IReadOnlyList<long>? Timestamps { get; init; }
}

namespace MiniOneRec.Datasets;

/// <summary>Holds one review: user, item, time and text.</summary>
/// <param name="UserId">The reviewer.</param>
/// <param name="ItemId">The product.</param>
/// <param name="Timestamp">Unix time in seconds.</param>
public readonly record struct AmazonReview(string UserId, string ItemId, long Timestamp)
{
    /// <summary>Gets the stars, or <see langword="null"/> where the review has none.</summary>
    public double? Rating { get; init; }
}

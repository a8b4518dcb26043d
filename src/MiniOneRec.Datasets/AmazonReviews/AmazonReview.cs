namespace MiniOneRec.Datasets;

/// <summary>Who reviewed what and when.</summary>
/// <param name="UserId">The reviewer.</param>
/// <param name="ItemId">The product.</param>
/// <param name="Timestamp">Unix time in seconds.</param>
public readonly record struct AmazonReview(string UserId, string ItemId, long Timestamp)
{
    /// <summary>Gets the stars, or <see langword="null"/> where the review has none.</summary>
    public double? Rating { get; init; }
}

namespace MiniOneRec.Datasets;

/// <summary>The releases of the Amazon Reviews data, which name their fields differently.</summary>
public enum AmazonReviewsFormat
{
    /// <summary>2018: <c>reviewerID</c>, <c>asin</c>, <c>unixReviewTime</c> in seconds.</summary>
    V2018,

    /// <summary>2023: <c>user_id</c>, <c>parent_asin</c>, <c>timestamp</c> in milliseconds.</summary>
    V2023,
}

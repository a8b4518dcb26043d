namespace MiniOneRec;

/// <summary>Recommends items for histories.</summary>
/// <remarks>Implementations are safe for concurrent use. Unknown items in a history are skipped and counted, never an error.</remarks>
public interface IRecommender
{
    /// <summary>Gets the name under which reports list the recommender.</summary>
    string Name { get; }

    /// <summary>Answers many requests at once.</summary>
    /// <param name="requests">The requests; may be empty.</param>
    /// <param name="cancellationToken">Stops between steps.</param>
    /// <returns>One result per request, in their order; items of one result are distinct and ordered best first.</returns>
    Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default);
}

/// <summary>Convenience on <see cref="IRecommender"/>.</summary>
public static class RecommenderExtensions
{
    /// <summary>Answers one request.</summary>
    /// <param name="recommender">The recommender.</param>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Stops between steps.</param>
    public static async Task<RecommendationResult> RecommendAsync(
        this IRecommender recommender, RecommendationRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recommender);
        ArgumentNullException.ThrowIfNull(request);
        return (await recommender.RecommendAsync([request], cancellationToken).ConfigureAwait(false))[0];
    }

    /// <summary>Recommends for a history.</summary>
    /// <param name="recommender">The recommender.</param>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="count">How many items are wanted.</param>
    /// <param name="cancellationToken">Stops between steps.</param>
    public static Task<RecommendationResult> RecommendAsync(
        this IRecommender recommender, IReadOnlyList<string> history, int count = 10, CancellationToken cancellationToken = default) =>
        recommender.RecommendAsync(new RecommendationRequest { History = history, Count = count }, cancellationToken);
}

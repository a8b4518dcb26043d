namespace MiniOneRec;

/// <summary>Checks requests before anything is computed, so that every recommender refuses the same ones with the same words.</summary>
public static class RequestValidation
{
    /// <summary>Checks that every request and every item of a history is there.</summary>
    /// <param name="requests">The requests.</param>
    /// <exception cref="ArgumentNullException">The list, a request or a history is <see langword="null"/>; the message has the request's
    /// position.</exception>
    /// <exception cref="ArgumentException">A history holds <see langword="null"/>.</exception>
    public static void CheckHistories(IReadOnlyList<RecommendationRequest> requests)
    {
        ArgumentNullException.ThrowIfNull(requests);
        for (int i = 0; i < requests.Count; i++)
        {
            if (requests[i] is not { } request)
            {
                throw new ArgumentNullException(nameof(requests), $"Request {i} is null.");
            }

            if (request.History is not { } history)
            {
                throw new ArgumentNullException(nameof(requests),
                    $"The history of request {i} is null; expected a list, empty for a new user.");
            }

            for (int place = 0; place < history.Count; place++)
            {
                if (history[place] is null)
                {
                    throw new ArgumentException($"The history of request {i} holds null at position {place}; expected an item id.",
                        nameof(requests));
                }
            }
        }
    }
}

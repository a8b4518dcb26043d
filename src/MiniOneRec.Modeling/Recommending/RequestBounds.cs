namespace MiniOneRec.Modeling;

/// <summary>Checks what requests ask for, before anything is computed.</summary>
/// <remarks>A count above a small catalogue is allowed up to the beam width and a request's default count, because it costs nothing; the
/// answer has a shortfall.</remarks>
internal static class RequestBounds
{
    private static readonly int DefaultCount = new RecommendationRequest { History = [] }.Count;

    /// <summary>Copies and checks requests.</summary>
    /// <param name="requests">The requests.</param>
    /// <param name="catalogue">The version of the catalogue.</param>
    /// <param name="options">The options.</param>
    /// <exception cref="ArgumentException">A request asks for what cannot be; the message has its position.</exception>
    public static RecommendationRequest[] Checked(IReadOnlyList<RecommendationRequest> requests, Catalogue catalogue,
        RecommenderOptions options)
    {
        RecommendationRequest[] all = [.. requests];
        RequestValidation.CheckHistories(all);
        int most = Math.Min(options.MaxCount, Math.Max(catalogue.Index.Count, Math.Max(options.BeamWidth, DefaultCount)));
        for (int i = 0; i < all.Length; i++)
        {
            if (all[i].Count < 1 || all[i].Count > most)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(requests), all[i].Count,
                    $"Request {i} asks for {all[i].Count} items; expected 1 to {most} (the catalogue has {catalogue.Index.Count} items, "
                    + $"{nameof(options.MaxCount)} is {options.MaxCount}).");
            }
        }

        return all;
    }
}

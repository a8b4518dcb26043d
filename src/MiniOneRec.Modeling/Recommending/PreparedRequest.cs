namespace MiniOneRec.Modeling;

/// <summary>A request as the search needs it: a prompt and a mask, made from one version of the catalogue on the caller's side.</summary>
/// <param name="Request">The request.</param>
/// <param name="Catalogue">The version that answers it.</param>
/// <param name="History">The history, copied: the caller's list may change while the request waits.</param>
/// <param name="Prompt">Token ids.</param>
/// <param name="Skipped">How many items of the history are unknown.</param>
/// <param name="Mask">What the request restricts, or <see langword="null"/>.</param>
internal sealed record PreparedRequest(RecommendationRequest Request, Catalogue Catalogue, string[] History, int[] Prompt, int Skipped,
    TrieMask? Mask)
{
    /// <summary>Prepares a request; runs its filter.</summary>
    /// <param name="request">The request, checked.</param>
    /// <param name="catalogue">The version of the catalogue.</param>
    /// <param name="template">Writes the prompt.</param>
    /// <param name="options">The options.</param>
    /// <param name="owner">The recommender, which the filter must not call.</param>
    /// <param name="beforeEach">Called before the filter sees an item; it ends the work by throwing.</param>
    public static PreparedRequest Of(
        RecommendationRequest request, Catalogue catalogue, IPromptTemplate template, RecommenderOptions options, object owner,
        Action? beforeEach = null)
    {
        string[] history = [.. request.History];
        int[] prompt = catalogue.PromptOf(history, template, options.MaxHistoryItems, out int skipped);
        using var inside = request.CandidateFilter is null ? default : UserCode.Enter(owner, "candidate filter");
        return new PreparedRequest(request, catalogue, history, prompt, skipped,
            catalogue.MaskOf(request, request.ExcludeHistory ?? options.ExcludeHistory, beforeEach));
    }
}

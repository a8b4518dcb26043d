namespace MiniOneRec.Evaluation.Tests;

/// <summary>Recommends what a function says, and remembers how it was asked.</summary>
internal sealed class FixedRecommender(Func<RecommendationRequest, IEnumerable<string>> rank, string name = "fixed") : IRecommender
{
    public string Name => name;

    public List<int> BatchSizes { get; } = [];

    public int Count { get; private set; }

    public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default)
    {
        BatchSizes.Add(requests.Count);
        Count = requests[0].Count;
        return Task.FromResult<IReadOnlyList<RecommendationResult>>(
            [.. requests.Select(request =>
            new RecommendationResult([.. rank(request).Take(request.Count).Select((id, i) => new Recommendation(id, -i))]))]);
    }
}

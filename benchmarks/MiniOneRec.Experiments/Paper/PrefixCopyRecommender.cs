namespace MiniOneRec.Experiments;

/// <summary>Recommends items whose semantic IDs begin like those of the history; nothing is learned.</summary>
/// <remarks>An item's score sums, over the history, the codes that it shares from the beginning on, halved with each step back.</remarks>
/// <param name="index">The semantic IDs.</param>
internal sealed class PrefixCopyRecommender(SemanticIdIndex index) : IRecommender
{
    public string Name => "prefix-copy";

    public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default) =>
        Task.FromResult<IReadOnlyList<RecommendationResult>>([.. requests.Select(Answer)]);

    private RecommendationResult Answer(RecommendationRequest request)
    {
        var history = index.KnownIds(request.History, int.MaxValue, out int skipped);
        double[] scores = new double[index.Count];
        for (int age = 0; age < history.Length; age++)
        {
            double weight = Math.Pow(0.5, age);
            for (int row = 0; row < scores.Length; row++)
            {
                scores[row] += weight * Shared(index.SemanticIds[row], history[^(age + 1)]);
            }
        }

        var items = Enumerable.Range(0, scores.Length).Where(row => request.Allows(index.Items[row])).OrderByDescending(row => scores[row])
            .Take(request.Count).Select(row => new Recommendation(index.Items[row], scores[row]));
        return new RecommendationResult([.. items]) { SkippedHistoryItems = skipped };
    }

    private static int Shared(SemanticId one, SemanticId other)
    {
        int level = 0;
        while (level < Math.Min(one.Depth, other.Depth) && one[level] == other[level])
        {
            level++;
        }

        return level;
    }
}

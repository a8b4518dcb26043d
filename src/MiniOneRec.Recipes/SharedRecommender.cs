using MiniOneRec.Training.Distributed;

namespace MiniOneRec.Recipes;

/// <summary>A recommender that all processes of a run have: each answers its part of every batch, and all get all answers.</summary>
/// <remarks>Every process must ask the same in the same order. A request to stop one process stops all of them after the batch.</remarks>
internal sealed class SharedRecommender(IRecommender inner, ParallelRun parallel, CancellationToken stop) : IRecommender
{
    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default)
    {
        if (parallel.RanksWhere(stop.IsCancellationRequested).Length > 0)
        {
            throw new OperationCanceledException(stop);
        }

        int size = parallel.Group.Size, rank = parallel.Group.Rank;
        var own = requests.Where((_, i) => i % size == rank).ToArray();
        var answers = await parallel.OnAllAsync(() => inner.RecommendAsync(own, CancellationToken.None)).ConfigureAwait(false);
        var all = parallel.Gather(answers.Select((answer, i) => new Numbered(i * size + rank, answer)).ToArray());
        return [.. all.OrderBy(entry => entry.Number).Select(entry => entry.Answer)];
    }

    private sealed record Numbered(int Number, RecommendationResult Answer);
}

using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>HR and NDCG on held-out examples by constrained beams, strict item level: only the target itself is a hit.</summary>
internal sealed class HeldOut
{
    private const int Cutoff = 10;
    private readonly GenerativeRecommender _recommender;
    private readonly NextItemExample[] _examples;

    public HeldOut(GenerativeRecommender recommender, IReadOnlyList<NextItemExample> examples, int limit, int seed)
    {
        _recommender = recommender;
        int[] order = [.. Enumerable.Range(0, examples.Count)];
        if (limit > 0 && limit < order.Length)
        {
            StepSeed.For(seed, long.MinValue).Shuffle(order);
            order = [.. order.Take(limit).Order()];
        }

        _examples = [.. order.Select(i => examples[i])];
    }

    public bool IsEmpty => _examples.Length == 0;

    /// <summary>Measures; NDCG@10 is the figure that checkpoints are chosen by.</summary>
    public (double Hr1, double Hr10, double Ndcg10) Measure(CancellationToken cancellationToken)
    {
        var results = _recommender.Recommend([.. _examples.Select(example => new RecommendationRequest { History = example.History, Count = Cutoff })], cancellationToken);
        double first = 0, hits = 0, gain = 0;
        for (int i = 0; i < _examples.Length; i++)
        {
            for (int rank = 0; rank < results[i].Items.Count; rank++)
            {
                if (results[i].Items[rank].ItemId == _examples[i].Target)
                {
                    first += rank == 0 ? 1 : 0;
                    hits++;
                    gain += 1 / Math.Log2(rank + 2);
                }
            }
        }

        return (first / _examples.Length, hits / _examples.Length, gain / _examples.Length);
    }
}

using System.Security.Cryptography;
using System.Text;

namespace MiniOneRec.Reinforcement;

/// <summary>What another recommender says about the items of completions.</summary>
internal sealed class ScoredCatalogue
{
    private readonly IItemScorer _scorer;
    private readonly Dictionary<string, int> _places;

    public ScoredCatalogue(IItemScorer scorer)
    {
        ArgumentNullException.ThrowIfNull(scorer);
        _scorer = scorer;
        _places = scorer.Items.Select((item, place) => (item, place))
            .ToDictionary(pair => pair.item, pair => pair.place, StringComparer.Ordinal);
    }

    /// <summary>Gets the scorer's class, items and, where it has one, <see cref="IItemScorer.Fingerprint"/>.</summary>
    public string Settings =>
        $"{_scorer.GetType().FullName} "
        + $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', _scorer.Items))))} {_scorer.Fingerprint}";

    /// <summary>Scores all items for the history of each group.</summary>
    /// <returns>The scores of one group after the other.</returns>
    public IEnumerable<ReadOnlyMemory<float>> Score(IReadOnlyList<RolloutGroup> groups)
    {
        int items = _scorer.Items.Count;
        var scores = new float[groups.Count * items];
        _scorer.Score([.. groups.Select(group => group.Example.Source.History)], scores);
        return Enumerable.Range(0, groups.Count).Select(g => new ReadOnlyMemory<float>(scores, g * items, items));
    }

    /// <summary>Returns the best score of some items, or negative infinity where the scorer knows none of them.</summary>
    public double Best(IEnumerable<string> items, ReadOnlySpan<float> scores)
    {
        double best = double.NegativeInfinity;
        foreach (string item in items)
        {
            best = _places.TryGetValue(item, out int place) ? Math.Max(best, scores[place]) : best;
        }

        return best;
    }
}

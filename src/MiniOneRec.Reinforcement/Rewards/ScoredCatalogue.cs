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

    /// <summary>Rewards one group.</summary>
    /// <param name="group">The group.</param>
    /// <param name="scores">What the scorer gives every item for the group's history.</param>
    /// <param name="rewards">Receives a reward for each completion.</param>
    public delegate void GroupReward(RolloutGroup group, ReadOnlySpan<float> scores, Span<double> rewards);

    /// <summary>Scores all items for the history of each group at once, and rewards one group after the other.</summary>
    public void Score(IReadOnlyList<RolloutGroup> groups, Span<double> rewards, GroupReward reward)
    {
        ArgumentNullException.ThrowIfNull(groups);
        int items = _scorer.Items.Count, at = 0;
        var scores = new float[groups.Count * items];
        _scorer.Score([.. groups.Select(group => group.Example.Source.History)], scores);
        for (int g = 0; g < groups.Count; g++)
        {
            reward(groups[g], scores.AsSpan(g * items, items), rewards.Slice(at, groups[g].Count));
            at += groups[g].Count;
        }
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

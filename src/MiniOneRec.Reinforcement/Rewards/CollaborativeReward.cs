using System.Security.Cryptography;
using System.Text;

namespace MiniOneRec.Reinforcement;

/// <summary>The score that another recommender gives the completion for the sample's history, standardised within the group.</summary>
/// <remarks>
/// MiniOneRec (arXiv:2510.24431), the collaborative reward. Departures: scores are standardised per group, because raw ones are unbounded;
/// completions that the scorer does not know earn the group's mean, 0, instead of a random item's score. Of several items of a semantic ID
/// the best counts.
/// </remarks>
public sealed class CollaborativeReward : IRewardFunction
{
    private readonly IItemScorer _scorer;
    private readonly Dictionary<string, int> _places;

    /// <summary>Makes the reward.</summary>
    /// <param name="scorer">Any scorer, for example SASRec.</param>
    public CollaborativeReward(IItemScorer scorer)
    {
        ArgumentNullException.ThrowIfNull(scorer);
        _scorer = scorer;
        _places = scorer.Items.Select((item, place) => (item, place))
            .ToDictionary(pair => pair.item, pair => pair.place, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public string Name => "collaborative";

    /// <inheritdoc/>
    /// <remarks>The scorer's class, items and, where it has one, <see cref="IItemScorer.Fingerprint"/>.</remarks>
    public string Settings =>
        $"{_scorer.GetType().FullName} "
        + $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', _scorer.Items))))} {_scorer.Fingerprint}";

    /// <inheritdoc/>
    public void Score(RolloutGroup group, Span<double> rewards) => Score([group], rewards);

    /// <inheritdoc/>
    public void Score(IReadOnlyList<RolloutGroup> groups, Span<double> rewards)
    {
        ArgumentNullException.ThrowIfNull(groups);
        var scores = new float[groups.Count * _scorer.Items.Count];
        _scorer.Score([.. groups.Select(group => group.Example.Source.History)], scores);
        int at = 0;
        for (int g = 0; g < groups.Count; g++)
        {
            Standardise(groups[g], scores.AsSpan(g * _scorer.Items.Count, _scorer.Items.Count), rewards.Slice(at, groups[g].Count));
            at += groups[g].Count;
        }
    }

    private void Standardise(RolloutGroup group, ReadOnlySpan<float> scores, Span<double> rewards)
    {
        const double Unknown = double.NegativeInfinity;
        int known = 0;
        double sum = 0, squares = 0;
        for (int i = 0; i < rewards.Length; i++)
        {
            rewards[i] = Unknown;
            foreach (string item in group.ItemsOf(i))
            {
                rewards[i] = _places.TryGetValue(item, out int place) ? Math.Max(rewards[i], scores[place]) : rewards[i];
            }

            if (rewards[i] != Unknown)
            {
                known++;
                sum += rewards[i];
            }
        }

        double mean = sum / Math.Max(1, known);
        foreach (double reward in rewards)
        {
            squares += reward == Unknown ? 0 : (reward - mean) * (reward - mean);
        }

        double deviation = Math.Sqrt(squares / Math.Max(1, known));
        foreach (ref double reward in rewards)
        {
            reward = reward == Unknown || deviation <= 1e-9 ? 0 : (reward - mean) / deviation;      // NaN stays NaN and is reported
        }
    }
}

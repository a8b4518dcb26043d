using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>Judges what a policy recommends for held-out examples by the rewards that it is trained on.</summary>
internal sealed class HeldOutRewards(SemanticIdModel model, RewardSum rewards)
{
    private const int Places = 10;

    /// <summary>Scores the first ten semantic IDs of each row's list.</summary>
    /// <param name="rows">Each row's example and the trie node that is right.</param>
    /// <param name="lists">What is recommended for each, best first.</param>
    /// <param name="byName">Adds each reward's discounted mean, summed over the rows; the weighted sum under the empty name.</param>
    /// <returns>The discounted mean of the weighted sum for each row.</returns>
    public double[] Score(IReadOnlyList<(NextItemExample Example, int Node)> rows, IReadOnlyList<RecommendationResult> lists,
        Dictionary<string, double> byName)
    {
        var groups = rows.Zip(lists, (row, list) => new RolloutGroup(
            new RolloutExample(row.Example),
            [.. list.Items.DistinctBy(item => item.SemanticId).Take(Places)
                .Select(item => Rollout.Of(model.Trie, model.Template, model.Trie.Find(item.SemanticId!.Codes), item.Score))],
            new HashSet<int> { row.Node },
            model.Index,
            model.Trie,
            model.Popularity)).ToArray();
        double[] total = new double[groups.Sum(group => group.Count)];
        var named = rewards.Score(groups, total);
        double[] means = Means(groups, total);
        Add("", means);
        foreach (var (name, values) in named)
        {
            Add(name, Means(groups, values));
        }

        return means;

        void Add(string name, double[] values) => byName[name] = byName.GetValueOrDefault(name) + values.Sum();
    }

    /// <summary>Σ r / log2(place + 1) over Σ 1 / log2(place + 1), places from 1.</summary>
    private static double[] Means(RolloutGroup[] groups, double[] values)
    {
        double[] means = new double[groups.Length];
        int at = 0;
        for (int g = 0; g < groups.Length; g++)
        {
            double sum = 0, weights = 0;
            for (int i = 0; i < groups[g].Count; i++, at++)
            {
                double weight = 1 / Math.Log2(i + 2);
                sum += weight * values[at];
                weights += weight;
            }

            means[g] = weights > 0 ? sum / weights : 0;
        }

        return means;
    }
}

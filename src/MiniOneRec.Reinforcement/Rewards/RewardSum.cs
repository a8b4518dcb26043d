using System.Globalization;

namespace MiniOneRec.Reinforcement;

/// <summary>The rewards of a run: each by name, and their weighted sum.</summary>
internal sealed class RewardSum
{
    private readonly (IRewardFunction Reward, double Weight)[] _rewards;

    public RewardSum(IEnumerable<IRewardFunction> rewards)
    {
        _rewards = [.. rewards.Select(Unwrap)];
        if (_rewards.Length == 0)
        {
            throw new ArgumentException("Name at least one reward, for example new ExactMatchReward().", nameof(rewards));
        }

        if (_rewards.GroupBy(reward => reward.Reward.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"Two rewards are named '{twice.Key}'; metrics could not tell them apart.", nameof(rewards));
        }
    }

    public IReadOnlyList<string> Names => [.. _rewards.Select(reward => reward.Reward.Name)];

    /// <summary>Describes the rewards, so that a run is resumed under those that it began with.</summary>
    public string Describe() => string.Join(" + ", _rewards.Select(pair => string.Create(
        CultureInfo.InvariantCulture,
        $"{pair.Weight} * {pair.Reward.Name} "
        + $"({pair.Reward.GetType().FullName}{(pair.Reward.Settings.Length > 0 ? " " : "")}{pair.Reward.Settings})")));

    /// <summary>Judges groups.</summary>
    /// <param name="groups">The groups.</param>
    /// <param name="total">Receives the weighted sums, group after group.</param>
    /// <returns>The unweighted rewards by name.</returns>
    /// <exception cref="InvalidOperationException">A reward failed, left a completion out, or gave no finite number; the message names
    /// it.</exception>
    public IReadOnlyList<(string Name, double[] Values)> Score(IReadOnlyList<RolloutGroup> groups, Span<double> total)
    {
        var byName = new List<(string, double[])>(_rewards.Length);
        total.Clear();
        foreach (var (reward, weight) in _rewards)
        {
            var values = new double[total.Length];
            Array.Fill(values, double.NaN);                     // a reward that skips a completion is found out
            try
            {
                reward.Score(groups, values);
            }
            catch (Exception e) when (
                e is ArgumentException or IndexOutOfRangeException or KeyNotFoundException or InvalidOperationException)
            {
                throw new InvalidOperationException($"Reward '{reward.Name}' failed: {e.Message}", e);
            }

            for (int i = 0; i < values.Length; i++)
            {
                if (!double.IsFinite(values[i]))
                {
                    throw new InvalidOperationException(
                        $"Reward '{reward.Name}' gave {values[i]} for completion {Place(groups, i)}; expected a finite number for each.");
                }

                total[i] += weight * values[i];
            }

            byName.Add((reward.Name, values));
        }

        return byName;
    }

    private static string Place(IReadOnlyList<RolloutGroup> groups, int i)
    {
        int g = 0;
        while (i >= groups[g].Count)
        {
            i -= groups[g++].Count;
        }

        return $"{i} of {groups[g].Count} of the sample with target '{groups[g].Example.Source.Target}'";
    }

    private static (IRewardFunction, double) Unwrap(IRewardFunction reward)
    {
        ArgumentNullException.ThrowIfNull(reward);
        double weight = 1;
        while (reward is WeightedReward weighted)
        {
            (reward, weight) = (weighted.Reward, weight * weighted.Weight);
        }

        return (reward, weight);
    }
}

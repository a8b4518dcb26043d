namespace MiniOneRec.Reinforcement;

/// <summary>A reward with its weight in the sum; metrics show it unweighted.</summary>
public sealed class WeightedReward : IRewardFunction
{
    /// <summary>Makes a weighted reward.</summary>
    /// <param name="reward">The reward.</param>
    /// <param name="weight">Its weight, finite; a negative one makes it a penalty.</param>
    public WeightedReward(IRewardFunction reward, double weight)
    {
        ArgumentNullException.ThrowIfNull(reward);
        if (!double.IsFinite(weight))
        {
            throw new ArgumentException($"The weight of reward '{reward.Name}' is {weight}; expected a finite number.", nameof(weight));
        }

        (Reward, Weight) = (reward, weight);
    }

    /// <summary>Gets the reward itself.</summary>
    public IRewardFunction Reward { get; }

    /// <summary>Gets the weight.</summary>
    public double Weight { get; }

    /// <inheritdoc/>
    public string Name => Reward.Name;

    /// <inheritdoc/>
    public string Settings => Reward.Settings;

    /// <inheritdoc/>
    public void Score(RolloutGroup group, Span<double> rewards)
    {
        Reward.Score(group, rewards);
        foreach (ref double reward in rewards)
        {
            reward *= Weight;
        }
    }
}

namespace MiniOneRec.Reinforcement;

/// <summary>Names the baselines with which a reward is compared.</summary>
public enum AdvantageBaseline
{
    /// <summary>The mean of the group.</summary>
    GroupMean,

    /// <summary>The mean of the other members (RLOO, arXiv:2402.14740).</summary>
    LeaveOneOut,
}

/// <summary>Rewards of one group relative to each other.</summary>
/// <remarks>
/// A = (r − mean) / (std + 1e-4), std with G − 1: DeepSeekMath (arXiv:2402.03300), section 4.1.2. Without the deviation: Dr. GRPO
/// (arXiv:2503.20783). Members drawn with unequal probabilities carry inclusion weights: mean and deviation are then weighted, and each
/// advantage is multiplied by its weight relative to the group's mean weight.
/// </remarks>
public sealed class GroupAdvantage
{
    private const double Epsilon = 1e-4;
    private const double EqualWithin = 1e-9;
    private readonly AdvantageBaseline _baseline;
    private readonly bool _divideByDeviation;
    private readonly double _clip;

    /// <summary>Makes the rule.</summary>
    /// <param name="baseline">What a reward is compared with.</param>
    /// <param name="divideByDeviation">Whether to divide by the group's standard deviation.</param>
    /// <param name="clip">The bound on |A|; 0 for none.</param>
    public GroupAdvantage(AdvantageBaseline baseline = AdvantageBaseline.GroupMean, bool divideByDeviation = true, double clip = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(clip);
        (_baseline, _divideByDeviation, _clip) = (baseline, divideByDeviation, clip);
    }

    /// <summary>Computes the advantages of one group.</summary>
    /// <param name="rewards">G rewards, G at least 2, finite.</param>
    /// <param name="advantages">Receives G advantages; all 0 where the rewards are equal.</param>
    /// <param name="weights">G inclusion weights, at least 0 with a positive sum; empty where all members weigh the same.</param>
    /// <returns>Whether the group carries a signal, that is, its rewards are not all equal.</returns>
    /// <exception cref="ArgumentException">The lengths differ, G is below 2, or a reward is not finite.</exception>
    public bool Compute(ReadOnlySpan<double> rewards, Span<double> advantages, ReadOnlySpan<double> weights = default)
    {
        int count = rewards.Length;
        if (count < 2 || advantages.Length != count || (weights.Length != 0 && weights.Length != count))
        {
            throw new ArgumentException(
                $"Expected at least 2 rewards and as many advantages (and weights, if any); got {count}, "
                + $"{advantages.Length} and {weights.Length}.", nameof(rewards));
        }

        double least = double.PositiveInfinity, most = double.NegativeInfinity, total = 0, sum = 0;
        for (int i = 0; i < count; i++)
        {
            if (!double.IsFinite(rewards[i]))
            {
                throw new ArgumentException($"Reward {i} is {rewards[i]}; expected a finite number.", nameof(rewards));
            }

            double weight = weights.IsEmpty ? 1 : weights[i];
            least = Math.Min(least, rewards[i]);
            most = Math.Max(most, rewards[i]);
            total += weight;
            sum += weight * rewards[i];
        }

        if (!(total > 0) || most - least <= EqualWithin * Math.Max(1, Math.Abs(most)))
        {
            advantages.Clear();
            return false;
        }

        double mean = sum / total, squares = 0;
        for (int i = 0; i < count; i++)
        {
            squares += (weights.IsEmpty ? 1 : weights[i]) * (rewards[i] - mean) * (rewards[i] - mean);
        }

        double deviation = Math.Sqrt(squares / total * count / (count - 1));
        double scale =
            (_baseline == AdvantageBaseline.LeaveOneOut ? count / (count - 1.0) : 1) / (_divideByDeviation ? deviation + Epsilon : 1);
        for (int i = 0; i < count; i++)
        {
            double advantage = (rewards[i] - mean) * scale;
            advantage = _clip > 0 ? Math.Clamp(advantage, -_clip, _clip) : advantage;
            advantages[i] = weights.IsEmpty ? advantage : advantage * weights[i] * count / total;
        }

        return true;
    }
}

using MiniOneRec.Reinforcement;

namespace MiniOneRec.Studies;

/// <summary>Rewards every other completion, so that every group carries a signal.</summary>
internal sealed class AlternatingReward : IRewardFunction
{
    public string Name => "alternating";

    public void Score(RolloutGroup group, Span<double> rewards)
    {
        for (int i = 0; i < rewards.Length; i++)
        {
            rewards[i] = i % 2;
        }
    }
}

using MiniOneRec;
using MiniOneRec.Reinforcement;

namespace CustomReward;

/// <summary>1 where the shop's own brand offers something of the series that the customer turned to next, else 0.</summary>
internal sealed class HouseBrandReward(IEnumerable<Item> items, string brand) : IRewardFunction
{
    private readonly Dictionary<string, Item> _items = items.ToDictionary(item => item.Id);

    public string Name => "house-brand";        // names the metrics reward/house-brand and the errors

    public void Score(RolloutGroup group, Span<double> rewards)
    {
        string wanted = _items[group.Example.Source.Target].Categories[^1];
        for (int i = 0; i < rewards.Length; i++)
        {
            rewards[i] = group.CandidateIds[i] is { } id && _items[id].Brand == brand && _items[id].Categories[^1] == wanted ? 1 : 0;
        }
    }
}

namespace MiniOneRec.Reinforcement;

/// <summary>Judges completions.</summary>
/// <remarks>Called on one thread at a time, which may be a different one for each call.</remarks>
public interface IRewardFunction
{
    /// <summary>Gets the name under which metrics and errors show the reward.</summary>
    string Name { get; }

    /// <summary>Gets a text that distinguishes this reward from others of its class, for example a hash of its table; empty where there is
    /// nothing.</summary>
    /// <remarks>A checkpoint is continued only by a run whose rewards have the same class, name, weight and settings.</remarks>
    string Settings => "";

    /// <summary>Gives every completion of a group a finite reward.</summary>
    /// <param name="group">The completions and the sample that they answer.</param>
    /// <param name="rewards">Receives G rewards; higher is better.</param>
    void Score(RolloutGroup group, Span<double> rewards);

    /// <summary>Judges several groups at once; rewards that gain from batches implement it.</summary>
    /// <param name="groups">The groups.</param>
    /// <param name="rewards">Receives the groups' rewards one after the other.</param>
    void Score(IReadOnlyList<RolloutGroup> groups, Span<double> rewards)
    {
        ArgumentNullException.ThrowIfNull(groups);
        int at = 0;
        foreach (var group in groups)
        {
            Score(group, rewards.Slice(at, group.Count));
            at += group.Count;
        }
    }
}

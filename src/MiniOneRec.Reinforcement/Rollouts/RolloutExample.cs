using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement;

/// <summary>A prompt with what counts as right: the target is bound to the sample, never looked up.</summary>
/// <param name="Source">The history and the item that followed it, with all its fields.</param>
public sealed record RolloutExample(NextItemExample Source)
{
    /// <summary>Gets items that are right as well, for example others of the same title.</summary>
    public IReadOnlyList<string> OtherTargets { get; init; } = [];

    /// <summary>Gets the prompt where it is not the next-item prompt of the history, for example a title that asks for its item.</summary>
    public Prompt? Prompt { get; init; }

    internal static RolloutExample[] Of(IReadOnlyList<NextItemExample> examples)
    {
        ArgumentNullException.ThrowIfNull(examples);
        return [.. examples.Select(example => new RolloutExample(example))];
    }
}

namespace MiniOneRec.Datasets;

/// <summary>Keeps the interactions that pass a test, for example purchases, or those rated 4 and more.</summary>
/// <param name="keep">The test.</param>
/// <remarks>Items, times, types and weights stay together. The catalogue stays as it is; <see cref="KCoreFilter"/> removes items that no
/// user has any more.</remarks>
public sealed class InteractionFilter(Func<Interaction, bool> keep)
{
    private readonly Func<Interaction, bool> _keep = keep ?? throw new ArgumentNullException(nameof(keep));

    /// <summary>Keeps interactions of some types.</summary>
    /// <param name="types">The types, as the data write them.</param>
    /// <returns>The filter; an interaction without a type is an error when it is applied.</returns>
    public static InteractionFilter OfTypes(params IReadOnlyCollection<string> types)
    {
        ArgumentNullException.ThrowIfNull(types);
        var wanted = types.ToHashSet(StringComparer.Ordinal);
        return new InteractionFilter(interaction => wanted.Contains(interaction.EventType ?? throw Missing(interaction, "type")));
    }

    /// <summary>Keeps interactions of at least a weight.</summary>
    /// <param name="minimum">The smallest weight, for example a rating of 4.</param>
    /// <returns>The filter; an interaction without a weight is an error when it is applied.</returns>
    public static InteractionFilter OfWeight(double minimum) =>
        new(interaction => (interaction.Weight ?? throw Missing(interaction, "weight")) >= minimum);

    /// <summary>Filters sequences; users keep their order, and those without any interaction left are dropped.</summary>
    /// <param name="sequences">The sequences.</param>
    /// <exception cref="ArgumentException">The filter asks for a type or weight that an interaction lacks; the message names user and
    /// item.</exception>
    public IReadOnlyList<UserSequence> Apply(IReadOnlyList<UserSequence> sequences)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        sequences.RequireWhole(nameof(sequences));
        return [.. sequences.Select(sequence => sequence.WhereAt(position => _keep(sequence.At(position))))
            .Where(sequence => sequence.ItemIds.Count > 0)];
    }

    /// <summary>Filters the sequences of a data set.</summary>
    /// <param name="data">The data set.</param>
    /// <exception cref="ArgumentException">No interaction remains, or one lacks the type or weight that the filter asks for.</exception>
    public InteractionDataset Apply(InteractionDataset data)
    {
        ArgumentNullException.ThrowIfNull(data);
        var sequences = Apply(data.Sequences);
        return sequences.Count > 0 ? data with { Sequences = sequences }
            : throw new ArgumentException($"No interaction of '{data.Name}' passes the filter.", nameof(data));
    }

    private static ArgumentException Missing(Interaction interaction, string what) =>
        new($"The interaction of user '{interaction.UserId}' with item '{interaction.ItemId}' has no {what}; the filter needs one.");
}

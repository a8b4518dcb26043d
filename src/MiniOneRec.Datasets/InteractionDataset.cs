namespace MiniOneRec.Datasets;

/// <summary>A catalogue and each user's interactions in the order of time, not split yet.</summary>
public sealed partial record InteractionDataset
{
    /// <summary>Gets the data set's name, for reports.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the catalogue.</summary>
    public required IReadOnlyList<Item> Items { get; init; }

    /// <summary>Gets the semantic IDs that came with the data, or <see langword="null"/> where there are none.</summary>
    public SemanticIdIndex? Index { get; init; }

    /// <summary>Gets the users' sequences.</summary>
    public required IReadOnlyList<UserSequence> Sequences { get; init; }

    /// <summary>Gets how many interactions named items that are not in the catalogue and were skipped.</summary>
    public long SkippedInteractions { get; init; }
}

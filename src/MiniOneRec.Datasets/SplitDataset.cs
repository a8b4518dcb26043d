namespace MiniOneRec.Datasets;

/// <summary>A catalogue with its training, validation and test sets: what trainers and the evaluator consume.</summary>
/// <remarks>
/// <see cref="TrainSequences"/> and <see cref="Train"/> are two views of the same interactions: one causal sequence per user, and
/// one row per target. Neither contains an interaction that is a validation or test target. Histories of validation and test
/// rows may hold items of the earlier parts, as at serving time.
/// </remarks>
public sealed record SplitDataset
{
    /// <summary>Gets the data set's name, for reports.</summary>
    public required string Name { get; init; }

    /// <summary>Gets how the parts were made: <c>given</c>, <c>time</c> or <c>leave-one-out</c>.</summary>
    public required string Split { get; init; }

    /// <summary>Gets the catalogue.</summary>
    public required IReadOnlyList<Item> Items { get; init; }

    /// <summary>Gets the semantic IDs that came with the data, or <see langword="null"/> where there are none.</summary>
    public SemanticIdIndex? Index { get; init; }

    /// <summary>Gets each user's training interactions, oldest first.</summary>
    public required IReadOnlyList<UserSequence> TrainSequences { get; init; }

    /// <summary>Gets the training rows.</summary>
    public required IReadOnlyList<NextItemExample> Train { get; init; }

    /// <summary>Gets the validation rows.</summary>
    public required IReadOnlyList<NextItemExample> Validation { get; init; }

    /// <summary>Gets the test rows.</summary>
    public required IReadOnlyList<NextItemExample> Test { get; init; }

    /// <summary>Gets how many history items were unknown to the catalogue and skipped.</summary>
    public long SkippedHistoryItems { get; init; }

    /// <summary>Gets the item ids of the catalogue, in the order of <see cref="Items"/>.</summary>
    public IReadOnlyList<string> ItemIds => field ??= [.. Items.Select(item => item.Id)];

    /// <summary>Puts the parts together again, so that they can be split in another way.</summary>
    /// <param name="window">The longest history that the rows can have.</param>
    /// <returns>One sequence per user, without times, of training, validation and test rows in this order.</returns>
    public InteractionDataset Rejoin(int window = SlidingWindow.DefaultMaxHistory) => new()
    {
        Name = Name,
        Items = Items,
        Index = Index,
        Sequences = SequenceRebuilder.Rebuild(Train.Concat(Validation).Concat(Test), window),
        SkippedInteractions = SkippedHistoryItems,
    };
}

namespace MiniOneRec.Baselines;

/// <summary>Training data as rows.</summary>
/// <param name="Catalogue">The items.</param>
/// <param name="Sequences">Rows of each user, oldest first.</param>
/// <param name="Validation">Histories, cut to the model's length, and what followed; −1 for a target outside the catalogue.</param>
/// <param name="Dropped">Training interactions outside the catalogue.</param>
/// <param name="UnknownTargets">Validation rows whose target is outside the catalogue; they count as misses.</param>
internal sealed record SequentialData(
    ItemCatalogue Catalogue, ItemRows[] Sequences, IReadOnlyList<(ItemRows History, int Target)> Validation, long Dropped,
    int UnknownTargets)
{
    /// <summary>Turns users and rows into what the models read.</summary>
    /// <param name="train">The users' training sequences.</param>
    /// <param name="validation">The validation rows.</param>
    /// <param name="items">The catalogue, or <see langword="null"/> for the items of the sequences.</param>
    /// <param name="maxLength">How many items of a history the model sees.</param>
    /// <param name="withTimes">Whether times are kept; all training sequences have them then.</param>
    public static SequentialData Of(
        IReadOnlyList<UserSequence> train, IReadOnlyList<NextItemExample> validation, IReadOnlyList<string>? items, int maxLength,
        bool withTimes = false)
    {
        ArgumentNullException.ThrowIfNull(validation);
        var (catalogue, sequences, dropped) = ItemCatalogue.Of(train, items);
        (ItemRows History, int Target)[] rows = [.. validation.Select(example => (
            catalogue.RowsOf(example.History, withTimes ? example.HistoryTimestamps : null, out _).Last(maxLength),
            catalogue.TryGetRow(example.Target, out int target) ? target : -1))];
        return new SequentialData(
            catalogue,
            [.. sequences.Select((rows, i) => withTimes ? catalogue.RowsOf(train[i].ItemIds, train[i].Timestamps, out _) : rows)],
            rows, dropped, rows.Count(row => row.Target < 0));
    }
}

namespace MiniOneRec.Baselines;

/// <summary>Training data as rows.</summary>
/// <param name="Catalogue">The items.</param>
/// <param name="Sequences">Rows of each user, oldest first.</param>
/// <param name="Validation">Histories, cut to the model's length, and what followed; −1 for a target outside the catalogue.</param>
/// <param name="Dropped">Training interactions outside the catalogue.</param>
/// <param name="UnknownTargets">Validation rows whose target is outside the catalogue; they count as misses.</param>
internal sealed record SequentialData(
    ItemCatalogue Catalogue, int[][] Sequences, IReadOnlyList<(int[] History, int Target)> Validation, long Dropped, int UnknownTargets)
{
    public static SequentialData Of(
        IReadOnlyList<UserSequence> train, IReadOnlyList<NextItemExample> validation, IReadOnlyList<string>? items, int maxLength)
    {
        ArgumentNullException.ThrowIfNull(validation);
        var (catalogue, sequences, dropped) = ItemCatalogue.Of(train, items);
        (int[] History, int Target)[] rows = [.. validation.Select(example =>
        {
            int[] history = catalogue.RowsOf(example.History, out _);
            return (history[Math.Max(0, history.Length - maxLength)..], catalogue.TryGetRow(example.Target, out int target) ? target : -1);
        })];
        return new SequentialData(catalogue, sequences, rows, dropped, rows.Count(row => row.Target < 0));
    }
}

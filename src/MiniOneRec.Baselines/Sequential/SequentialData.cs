namespace MiniOneRec.Baselines;

/// <summary>Training data as rows.</summary>
/// <param name="Catalogue">The items.</param>
/// <param name="Sequences">Rows of each user, oldest first.</param>
/// <param name="Validation">Histories of at least one item, cut to the model's length, and what followed.</param>
/// <param name="Dropped">Training interactions outside the catalogue.</param>
/// <param name="DroppedRows">Validation rows without a known target or history.</param>
internal sealed record SequentialData(
    ItemCatalogue Catalogue, int[][] Sequences, IReadOnlyList<(int[] History, int Target)> Validation, long Dropped, int DroppedRows)
{
    public static SequentialData Of(
        IReadOnlyList<UserSequence> train, IReadOnlyList<NextItemExample> validation, IReadOnlyList<string>? items, int maxLength)
    {
        ArgumentNullException.ThrowIfNull(validation);
        var (catalogue, sequences, dropped) = ItemCatalogue.Of(train, items);
        var rows = new List<(int[], int)>(validation.Count);
        foreach (var example in validation)
        {
            int[] history = catalogue.RowsOf(example.History, out _);
            if (history.Length > 0 && catalogue.TryGetRow(example.Target, out int target))
            {
                rows.Add((history[Math.Max(0, history.Length - maxLength)..], target));
            }
        }

        return new SequentialData(catalogue, sequences, rows, dropped, validation.Count - rows.Count);
    }
}

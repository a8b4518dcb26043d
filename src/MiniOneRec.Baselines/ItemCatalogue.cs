namespace MiniOneRec.Baselines;

/// <summary>The items that a baseline ranks, with their training counts; popularity breaks every tie.</summary>
internal sealed class ItemCatalogue
{
    private readonly Dictionary<string, int> _rows;

    /// <summary>Describes a catalogue whose counts are known.</summary>
    /// <param name="items">Distinct item ids, at least one.</param>
    /// <param name="counts">How often each occurs in training.</param>
    public ItemCatalogue(IReadOnlyList<string> items, IReadOnlyList<long> counts)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (items.Count == 0)
        {
            throw new ArgumentException("A catalogue needs at least one item.", nameof(items));
        }

        Items = [.. items];
        Counts = [.. counts];
        _rows = new Dictionary<string, int>(Items.Length, StringComparer.Ordinal);
        for (int row = 0; row < Items.Length; row++)
        {
            if (!_rows.TryAdd(Items[row], row))
            {
                throw new ArgumentException($"Item '{Items[row]}' is in the catalogue twice.", nameof(items));
            }
        }

        ByPopularity = [.. Enumerable.Range(0, Items.Length).OrderByDescending(row => Counts[row])];
        PopularityRank = new int[Items.Length];
        for (int rank = 0; rank < ByPopularity.Length; rank++)
        {
            PopularityRank[ByPopularity[rank]] = rank;
        }
    }

    /// <summary>Gets the item ids by row.</summary>
    public string[] Items { get; }

    /// <summary>Gets the training count of each row.</summary>
    public long[] Counts { get; }

    /// <summary>Gets the rows, more popular first; equally popular ones in catalogue order.</summary>
    public int[] ByPopularity { get; }

    /// <summary>Gets each row's place in <see cref="ByPopularity"/>.</summary>
    public int[] PopularityRank { get; }

    /// <summary>Gets N, the number of items.</summary>
    public int Count => Items.Length;

    /// <summary>Counts training sequences.</summary>
    /// <param name="train">The sequences; every occurrence counts.</param>
    /// <param name="items">The catalogue; by default the items of the sequences, in the order of first occurrence.</param>
    /// <returns>The catalogue and the sequences as rows; items outside the catalogue are dropped and counted.</returns>
    public static (ItemCatalogue Catalogue, int[][] Sequences, long Dropped) Of(IReadOnlyList<UserSequence> train,
        IReadOnlyList<string>? items)
    {
        ArgumentNullException.ThrowIfNull(train);
        items ??= [.. train.SelectMany(sequence => sequence.ItemIds).Distinct(StringComparer.Ordinal)];
        var lookup = new ItemCatalogue(items, new long[items.Count]);
        var sequences = new int[train.Count][];
        long[] counts = new long[items.Count];
        long dropped = 0;
        for (int i = 0; i < sequences.Length; i++)
        {
            sequences[i] = lookup.RowsOf(train[i].ItemIds, out int skipped);
            dropped += skipped;
            foreach (int row in sequences[i])
            {
                counts[row]++;
            }
        }

        return (new ItemCatalogue(items, counts), sequences, dropped);
    }

    /// <summary>Finds the row of an item.</summary>
    public bool TryGetRow(string item, out int row) => _rows.TryGetValue(item, out row);

    /// <summary>Turns a history with its times into rows.</summary>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="times">One time per item, or <see langword="null"/>; times of another number of items are left out.</param>
    /// <param name="skipped">How many were unknown.</param>
    public ItemRows RowsOf(IReadOnlyList<string> history, IReadOnlyList<long>? times, out int skipped)
    {
        int[] rows = RowsOf(history, out skipped);
        return new ItemRows(
            rows,
            times is null || times.Count != history.Count ? null
            : skipped == 0 ? [.. times]
            : [.. times.Where((_, i) => _rows.ContainsKey(history[i]))]);
    }

    /// <summary>Turns a history into rows.</summary>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="skipped">How many were unknown.</param>
    public int[] RowsOf(IReadOnlyList<string> history, out int skipped)
    {
        var rows = new List<int>(history.Count);
        foreach (string item in history)
        {
            if (_rows.TryGetValue(item, out int row))
            {
                rows.Add(row);
            }
        }

        skipped = history.Count - rows.Count;
        return [.. rows];
    }
}

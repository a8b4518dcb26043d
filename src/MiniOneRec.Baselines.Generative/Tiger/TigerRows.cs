namespace MiniOneRec.Baselines.Generative;

/// <summary>The training rows: every item but the first of each sequence, with the items before it.</summary>
internal sealed class TigerRows
{
    private readonly (string User, string[] Items)[] _sequences;
    private readonly (int Sequence, int Target)[] _rows;

    private TigerRows((string User, string[] Items)[] sequences)
    {
        _sequences = sequences;
        _rows = [.. sequences.SelectMany((sequence, s) => Enumerable.Range(1, Math.Max(0, sequence.Items.Length - 1)).Select(t => (s, t)))];
        foreach (string item in sequences.SelectMany(sequence => sequence.Items))
        {
            Counts[item] = Counts.GetValueOrDefault(item) + 1;
        }
    }

    /// <summary>Gets the number of rows.</summary>
    public int Count => _rows.Length;

    /// <summary>Gets how often each item occurs.</summary>
    public Dictionary<string, double> Counts { get; } = new(StringComparer.Ordinal);

    /// <summary>Keeps the items of the index.</summary>
    /// <param name="index">The index.</param>
    /// <param name="train">The users' sequences.</param>
    public static TigerRows Of(SemanticIdIndex index, IReadOnlyList<UserSequence> train) =>
        new([.. train.Select(user => (user.UserId, user.ItemIds.Where(item => index.TryGetRow(item, out _)).ToArray()))]);

    /// <summary>Deals every row once, in batches of similar length.</summary>
    /// <param name="batchSize">Rows of a batch.</param>
    /// <param name="random">Shuffles.</param>
    public IEnumerable<(string User, ArraySegment<string> History, string Target)[]> Epoch(int batchSize, Random random)
    {
        const int BatchesPerBucket = 32;
        random.Shuffle(_rows);
        var batches = _rows.Chunk(batchSize * BatchesPerBucket)
            .SelectMany(bucket => bucket.OrderBy(row => row.Target).Chunk(batchSize)).ToArray();
        random.Shuffle(batches);
        return batches.Select(batch => batch.Select(row =>
        {
            var (user, items) = _sequences[row.Sequence];
            return (user, new ArraySegment<string>(items, 0, row.Target), items[row.Target]);
        }).ToArray());
    }
}

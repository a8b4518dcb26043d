namespace MiniOneRec.Baselines;

/// <summary>Cuts training sequences to the model's length and deals them into batches of similar length.</summary>
internal sealed class SequenceSampler
{
    private const int BatchesPerBucket = 32;

    private readonly ItemRows[] _pieces;
    private readonly int _batchSize;
    private readonly Random _random;

    /// <param name="sequences">Rows of each user, oldest first.</param>
    /// <param name="maxLength">How many items the model sees at once.</param>
    /// <param name="batchSize">Sequences of a batch.</param>
    /// <param name="random">Shuffles.</param>
    public SequenceSampler(IEnumerable<ItemRows> sequences, int maxLength, int batchSize, Random random)
    {
        _pieces = [.. sequences.SelectMany(sequence => Cut(sequence, maxLength))];
        (_batchSize, _random) = (batchSize, random);
    }

    /// <summary>Gets the number of pieces; 0 where no user has two items.</summary>
    public int Count => _pieces.Length;

    /// <summary>Gets the number of batches of an epoch.</summary>
    public int BatchCount => (Count + _batchSize - 1) / _batchSize;

    /// <summary>Deals every piece once.</summary>
    public IEnumerable<ItemRows[]> Epoch()
    {
        _random.Shuffle(_pieces);
        ItemRows[][] batches = [.. _pieces
            .Chunk(_batchSize * BatchesPerBucket)
            .SelectMany(bucket => bucket.OrderBy(piece => piece.Length).Chunk(_batchSize))];
        _random.Shuffle(batches);
        return batches;
    }

    /// <summary>Cuts from the end, so that every item but the first is the label of exactly one piece.</summary>
    private static IEnumerable<ItemRows> Cut(ItemRows sequence, int maxLength)
    {
        for (int end = sequence.Length; end >= 2; end -= maxLength)
        {
            yield return sequence[Math.Max(0, end - maxLength - 1)..end];
        }
    }
}

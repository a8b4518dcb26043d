namespace MiniOneRec.Alignment;

/// <summary>The order of an epoch: shuffled, then batches of similar length, then the batches shuffled.</summary>
internal static class BatchOrder
{
    private const int PoolBatches = 8;

    /// <param name="lengths">Tokens of each sample.</param>
    /// <param name="batchSize">Samples per batch; the last one may be smaller.</param>
    /// <param name="random">Seeded by the epoch.</param>
    public static List<int[]> Create(IReadOnlyList<int> lengths, int batchSize, Random random)
    {
        int[] order = [.. Enumerable.Range(0, lengths.Count)];
        random.Shuffle(order);
        var batches = order
            .Chunk(checked(batchSize * PoolBatches))
            .SelectMany(pool => pool.OrderBy(i => lengths[i]).Chunk(batchSize))
            .ToArray();
        random.Shuffle(batches);
        return [.. batches];
    }
}

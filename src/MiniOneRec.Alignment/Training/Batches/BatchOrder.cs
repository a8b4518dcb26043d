namespace MiniOneRec.Alignment;

/// <summary>The order of an epoch: shuffled, then batches of similar length and about equally many tokens, then the batches
/// shuffled.</summary>
/// <remarks>
/// Similar lengths spare attention its padding. Equally many samples would then give every token of a long sequence a small share of its
/// step and every token of a short one a large share, because AdamW makes the steps alike: where an eighth of the users wrote two fifths of
/// the tokens, these would count a third of the others. Equally many tokens keep the weights that batches drawn at random have.
/// </remarks>
internal static class BatchOrder
{
    private const int PoolBatches = 8;

    /// <param name="lengths">Tokens of each sample.</param>
    /// <param name="batchSize">Samples per batch on average over a pool of eight batches; their number does not depend on the
    /// lengths.</param>
    /// <param name="random">Seeded by the epoch.</param>
    public static List<int[]> Create(IReadOnlyList<int> lengths, int batchSize, Random random)
    {
        int[] order = [.. Enumerable.Range(0, lengths.Count)];
        random.Shuffle(order);
        var batches = order
            .Chunk(checked(batchSize * PoolBatches))
            .SelectMany(pool => Cut([.. pool.OrderBy(i => lengths[i])], lengths, (pool.Length + batchSize - 1) / batchSize))
            .ToArray();
        random.Shuffle(batches);
        return [.. batches];
    }

    // A batch ends where the tokens so far reach its share of all, or where each batch that is left needs one of the samples that are left.
    private static IEnumerable<int[]> Cut(int[] pool, IReadOnlyList<int> lengths, int count)
    {
        long total = pool.Sum(i => (long)lengths[i]), sum = 0;
        int start = 0, done = 0;
        for (int i = 0; i < pool.Length && done < count - 1; i++)
        {
            sum += lengths[pool[i]];
            if (sum * count >= total * (done + 1) || pool.Length - i - 1 == count - done - 1)
            {
                yield return pool[start..(i + 1)];
                (start, done) = (i + 1, done + 1);
            }
        }

        yield return pool[start..];
    }
}

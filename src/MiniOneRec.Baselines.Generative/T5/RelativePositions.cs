namespace MiniOneRec.Baselines.Generative;

/// <summary>Sorts distances between tokens into classes: near ones each by itself, far ones by their logarithm.</summary>
/// <remarks>Raffel et al. (arXiv:1910.10683), section 2.1.</remarks>
internal static class RelativePositions
{
    /// <summary>Computes the class of every pair.</summary>
    /// <param name="queries">The number of queries.</param>
    /// <param name="keys">The number of keys.</param>
    /// <param name="bothWays">Whether keys after a query have classes of their own (encoder) or count as distance 0 (decoder).</param>
    /// <param name="buckets">The number of classes.</param>
    /// <param name="maxDistance">The distance from which on all are one class.</param>
    /// <returns>Classes of <c>[queries, keys]</c>, row by row.</returns>
    public static long[] Buckets(int queries, int keys, bool bothWays, int buckets, int maxDistance)
    {
        var classes = new long[(long)queries * keys];
        for (int query = 0; query < queries; query++)
        {
            for (int key = 0; key < keys; key++)
            {
                classes[(long)query * keys + key] = BucketOf(key - query, bothWays, buckets, maxDistance);
            }
        }

        return classes;
    }

    /// <summary>Computes the class of one pair.</summary>
    /// <param name="offset">The key's position less the query's.</param>
    /// <param name="bothWays">Whether keys after a query have classes of their own (encoder) or count as distance 0 (decoder).</param>
    /// <param name="buckets">The number of classes.</param>
    /// <param name="maxDistance">The distance from which on all are one class.</param>
    public static int BucketOf(int offset, bool bothWays, int buckets, int maxDistance)
    {
        int first = 0;
        if (bothWays)
        {
            buckets /= 2;
            first = offset > 0 ? buckets : 0;
        }

        int distance = bothWays ? Math.Abs(offset) : Math.Max(-offset, 0), exact = buckets / 2;
        if (distance < exact)
        {
            return first + distance;
        }

        // In single precision, as the published models compute it: the bounds of the classes depend on it.
        float share = MathF.Log((float)distance / exact) / (float)Math.Log((double)maxDistance / exact);
        return first + Math.Min(exact + (int)(share * (buckets - exact)), buckets - 1);
    }
}

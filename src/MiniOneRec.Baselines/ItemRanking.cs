namespace MiniOneRec.Baselines;

/// <summary>Turns scores of all items into the answer to one request.</summary>
internal static class ItemRanking
{
    /// <summary>Takes the best items that the request allows, ties by popularity.</summary>
    /// <param name="scores">One finite score per row.</param>
    /// <param name="catalogue">The items.</param>
    /// <param name="request">Count, exclusions and filter.</param>
    /// <param name="skipped">How many items of the history were unknown.</param>
    public static RecommendationResult Best(ReadOnlySpan<float> scores, ItemCatalogue catalogue, RecommendationRequest request, int skipped)
    {
        // One 64-bit key orders by score, then by popularity; the key's low half leads back to the row.
        int wanted = Math.Min(request.Count, catalogue.Count);
        ulong[] kept = new ulong[Math.Min(2 * wanted, catalogue.Count)];
        int count = 0;
        ulong threshold = 0;
        for (int row = 0; row < scores.Length; row++)
        {
            ulong key = (ulong)Ordered(scores[row]) << 32 | ~(uint)catalogue.PopularityRank[row];
            if (key <= threshold || !request.Allows(catalogue.Items[row]))
            {
                continue;
            }

            if (count == kept.Length)
            {
                Array.Sort(kept);
                Array.Reverse(kept);
                count = wanted;
                threshold = kept[wanted - 1];
                if (key <= threshold)
                {
                    continue;
                }
            }

            kept[count++] = key;
        }

        Array.Sort(kept, 0, count);
        Array.Reverse(kept, 0, count);
        var items = new Recommendation[Math.Min(wanted, count)];
        for (int i = 0; i < items.Length; i++)
        {
            int row = catalogue.ByPopularity[(int)~(uint)kept[i]];
            items[i] = new Recommendation(catalogue.Items[row], scores[row]);
        }

        return new RecommendationResult(items) { SkippedHistoryItems = skipped, Shortfall = request.Count - items.Length };
    }

    /// <summary>Maps a float to an unsigned integer of the same order.</summary>
    private static uint Ordered(float value)
    {
        int bits = BitConverter.SingleToInt32Bits(value + 0f);                      // -0 and 0 are one score
        return (uint)(bits < 0 ? ~bits : bits | int.MinValue);
    }
}

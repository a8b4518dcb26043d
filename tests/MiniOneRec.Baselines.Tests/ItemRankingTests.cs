using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace MiniOneRec.Baselines.Tests;

public sealed class ItemRankingTests
{
    [Property(MaxTest = 200)]
    public Property Best_AnyScores_EqualsSortingAll(byte[] raw, byte countSeed, byte filterSeed)
    {
        // Few distinct scores make many ties; negative ones test the order of bits.
        float[] scores = [.. raw.Append((byte)1).Select(b => (b % 7 - 3) * 0.5f)];
        long[] counts = [.. scores.Select((_, i) => (long)(i * 31 % 5))];
        var catalogue = new ItemCatalogue([.. scores.Select((_, i) => "i" + i)], counts);
        int modulus = filterSeed % 4 + 1;
        var request = new RecommendationRequest
        {
            History = [],
            Count = countSeed % 20 + 1,
            CandidateFilter = item => int.Parse(item.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture) % modulus != 1,
        };

        var result = ItemRanking.Best(scores, catalogue, request, skipped: 3);

        string[] expected = [.. Enumerable.Range(0, scores.Length)
            .Where(row => request.Allows("i" + row))
            .OrderByDescending(row => scores[row]).ThenByDescending(row => counts[row]).ThenBy(row => row)
            .Take(request.Count).Select(row => "i" + row)];
        return (expected.SequenceEqual(result.Items.Select(item => item.ItemId))
            && result.Shortfall == request.Count - expected.Length && result.SkippedHistoryItems == 3).ToProperty();
    }
}

using System.Text.Json.Serialization;

namespace MiniOneRec.Tokenization;

/// <summary>Describes whether last codes say something about their items, or were picked because they were free.</summary>
/// <param name="SiblingLowShare">Among items with siblings under their prefix: the share whose last code is below 10.</param>
/// <param name="LoneLowShare">The same among items without siblings; a resolution that picks by code rather than by distance shows as a gap
/// between the two.</param>
/// <param name="Ranks">Distance ranks of the codes chosen, where vectors were given.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record LastCodeFigures(double SiblingLowShare, double LoneLowShare, LastCodeRanks? Ranks)
{
    private const int Low = 10;

    internal static LastCodeFigures Of(SemanticIdIndex index, int levels, CodeDecoder? decoder, CancellationToken cancellationToken)
    {
        int last = levels - 1;
        var lone = new List<int>();
        var siblings = new List<int>();
        foreach (var group in index.SemanticIds.Where(id => id.Depth > last)
            .GroupBy(id => last == 0 ? null : new SemanticId(id.Codes[..last])))
        {
            int[] codes = [.. group.Select(id => id[last])];
            (codes.Length > 1 ? siblings : lone).AddRange(codes);
        }

        return new LastCodeFigures(LowShare(siblings), LowShare(lone),
            decoder is null ? null : LastCodeRanks.Of(decoder, last, cancellationToken));
    }

    private static double LowShare(List<int> codes) => codes.Count == 0 ? 0 : (double)codes.Count(code => code < Low) / codes.Count;
}

/// <summary>Describes where the last code that an item got stands among all codes of its level by distance; rank 0 is the
/// nearest.</summary>
/// <param name="Nearest">The share of items with the nearest code.</param>
/// <param name="Mean">The mean rank over all items.</param>
/// <param name="MedianElsewhere">The median rank of the items that did not get the nearest code, or 0 where all did.</param>
/// <param name="Largest">The largest rank.</param>
/// <param name="Codes">The number of codes that were ranked.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record LastCodeRanks(double Nearest, double Mean, double MedianElsewhere, int Largest, int Codes)
{
    private const int Piece = 8192;

    internal static LastCodeRanks Of(CodeDecoder decoder, int level, CancellationToken cancellationToken)
    {
        int count = decoder.Codes.Count, size = decoder.LevelSize(level);
        int[] ranks = new int[count];
        for (int at = 0; at < count; at += Piece)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int[] rows = [.. Enumerable.Range(at, Math.Min(Piece, count - at))];
            float[] distances = decoder.Distances(rows, level);
            for (int i = 0; i < rows.Length; i++)
            {
                var own = distances.AsSpan(i * size, size);
                float chosen = own[decoder.Codes[rows[i], level]];
                int rank = 0;
                foreach (float distance in own)
                {
                    rank += distance < chosen ? 1 : 0;
                }

                ranks[rows[i]] = rank;
            }
        }

        int[] elsewhere = [.. ranks.Where(rank => rank > 0).Order()];
        double median = elsewhere.Length == 0 ? 0 : (elsewhere[(elsewhere.Length - 1) / 2] + elsewhere[elsewhere.Length / 2]) / 2.0;
        return new LastCodeRanks(1 - (double)elsewhere.Length / count, ranks.Average(), median, ranks.Max(), size);
    }
}

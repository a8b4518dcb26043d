using System.Text.Json.Serialization;

namespace MiniOneRec.Tokenization;

/// <summary>Describes how one level's codes are used, and how its nodes branch into the next level.</summary>
/// <param name="Level">The level, zero-based.</param>
/// <param name="Items">The number of items whose semantic ID reaches the level.</param>
/// <param name="Size">K.</param>
/// <param name="Used">The number of codes in use.</param>
/// <param name="Entropy">Entropy of the codes' shares of the items, in nats.</param>
/// <param name="Perplexity">e to the entropy: the number of equally used codes with that entropy.</param>
/// <param name="LargestShare">The largest share of one code.</param>
/// <param name="Gini">Gini coefficient of the use of all K codes: 0 where all are used alike, towards 1 where one is.</param>
/// <param name="Nodes">The number of nodes of the tree at this level: different prefixes that end here.</param>
/// <param name="FanOut">How these nodes branch, or <see langword="null"/> at the deepest level.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record LevelFigures(
    int Level, int Items, int Size, int Used, double Entropy, double Perplexity, double LargestShare, double Gini, int Nodes,
    FanOutFigures? FanOut)
{
    /// <summary>Gets used / K.</summary>
    public double Utilisation => (double)Used / Size;

    internal static IReadOnlyList<LevelFigures> Of(SemanticIdIndex index)
    {
        // In order, the prefixes of a level are runs.
        var ids = index.SemanticIds.Distinct().Order().ToArray();
        return [.. Enumerable.Range(0, index.Depth).Select(level => Of(index, ids, level))];
    }

    private static LevelFigures Of(SemanticIdIndex index, SemanticId[] ids, int level)
    {
        int[] counts = new int[index.LevelSizes[level]];
        foreach (var id in index.SemanticIds)
        {
            if (id.Depth > level)
            {
                counts[id[level]]++;
            }
        }

        int items = counts.Sum();
        double entropy = -counts.Where(count => count > 0).Sum(count => (double)count / items * Math.Log((double)count / items));
        return new LevelFigures(
            level, items, counts.Length, counts.Count(count => count > 0), entropy, Math.Exp(entropy), (double)counts.Max() / items,
            GiniOf(counts),
            FanOutFigures.NodesAt(ids, level + 1), level + 1 < index.Depth ? FanOutFigures.Of(ids, level + 1) : null);
    }

    private static double GiniOf(int[] counts)
    {
        int[] sorted = [.. counts.Order()];
        double total = sorted.Sum(), weighted = 0;
        for (int i = 0; i < sorted.Length; i++)
        {
            weighted += (i + 1.0) * sorted[i];
        }

        return 2 * weighted / (sorted.Length * total) - (sorted.Length + 1.0) / sorted.Length;
    }
}

/// <summary>Describes how the nodes of one level branch.</summary>
/// <param name="Inner">The number of nodes that have children.</param>
/// <param name="Max">The most children.</param>
/// <param name="Mean">The mean number of children of an inner node.</param>
/// <param name="SingleChild">The number of inner nodes with exactly one child.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record FanOutFigures(int Inner, int Max, double Mean, int SingleChild)
{
    /// <summary>Gets the share of inner nodes with exactly one child, where the code that follows carries no information.</summary>
    public double SingleChildShare => Inner == 0 ? 0 : (double)SingleChild / Inner;

    /// <summary>Counts the different prefixes of a length.</summary>
    /// <param name="ids">Different semantic IDs in order.</param>
    /// <param name="length">The number of codes.</param>
    internal static int NodesAt(SemanticId[] ids, int length)
    {
        int nodes = 0;
        for (int i = 0; i < ids.Length; i++)
        {
            nodes += ids[i].Depth >= length && !SharesPrefix(ids, i, length) ? 1 : 0;
        }

        return nodes;
    }

    internal static FanOutFigures Of(SemanticId[] ids, int length)
    {
        var children = new List<int>();
        for (int i = 0; i < ids.Length; i++)
        {
            if (ids[i].Depth > length && !SharesPrefix(ids, i, length + 1))
            {
                // A shorter ID that ends at the parent comes first in order and is no child.
                bool sameParent = SharesPrefix(ids, i, length) && ids[i - 1].Depth > length;
                if (sameParent)
                {
                    children[^1]++;
                }
                else
                {
                    children.Add(1);
                }
            }
        }

        return children.Count == 0
            ? new FanOutFigures(0, 0, 0, 0)
            : new FanOutFigures(children.Count, children.Max(), children.Average(), children.Count(count => count == 1));
    }

    private static bool SharesPrefix(SemanticId[] ids, int i, int length) =>
        i > 0 && ids[i - 1].Depth >= length && ids[i].Codes[..length].SequenceEqual(ids[i - 1].Codes[..length]);
}

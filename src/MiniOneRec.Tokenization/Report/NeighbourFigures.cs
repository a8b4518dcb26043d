using System.Text.Json.Serialization;

namespace MiniOneRec.Tokenization;

/// <summary>Describes how much of the neighbourhoods of the vectors is left when items are known by their codes alone.</summary>
/// <param name="Neighbours">The number of nearest items that make a neighbourhood, by cosine.</param>
/// <param name="Queries">The number of items whose neighbourhoods were compared.</param>
/// <param name="Raw">Mean share of neighbours that the codes before resolution keep, where these were given.</param>
/// <param name="Final">Mean share that the semantic IDs keep.</param>
/// <param name="Decoder">What turned codes into vectors: the quantizer's kind, or <c>mean residuals</c>.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record NeighbourFigures(int Neighbours, int Queries, double? Raw, double Final, string Decoder);

/// <summary>Describes how pure the nodes of one level are in the items' categories.</summary>
/// <param name="Level">The level, zero-based; −1 is the root, the purity that no code at all has.</param>
/// <param name="Nodes">The number of nodes with more than one item that has a category.</param>
/// <param name="Items">The number of items under them.</param>
/// <param name="Purity">The share of these items that have the most frequent category of their node.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record PurityFigures(int Level, int Nodes, int Items, double Purity)
{
    internal static IReadOnlyList<PurityFigures> Of(SemanticIdIndex index, IReadOnlyList<string> categories)
    {
        int[] rows = [.. Enumerable.Range(0, index.Count).Where(row => categories[row].Length > 0)];
        return [.. Enumerable.Range(-1, index.Depth + 1).Select(level =>
        {
            // One item alone is pure by itself and says nothing.
            var nodes = rows.Where(row => index.SemanticIds[row].Depth > level)
                .GroupBy(row => level < 0 ? null : new SemanticId(index.SemanticIds[row].Codes[..(level + 1)]))
                .Where(node => node.Skip(1).Any()).ToArray();
            int items = nodes.Sum(node => node.Count());
            int pure = nodes.Sum(node => node.CountBy(row => categories[row], StringComparer.Ordinal).Max(category => category.Value));
            return new PurityFigures(level, nodes.Length, items, items == 0 ? 0 : (double)pure / items);
        })];
    }
}

/// <summary>Items that nothing can tell apart.</summary>
/// <param name="Groups">The number of groups of items that are alike.</param>
/// <param name="Items">The number of items in these groups.</param>
/// <param name="SharedIds">The number of semantic IDs with more than one item whose items are all alike.</param>
public sealed record DuplicateFigures(int Groups, int Items, int SharedIds)
{
    internal static DuplicateFigures Of<TKey>(SemanticIdIndex index, Func<int, TKey?> key, IEqualityComparer<TKey>? comparer = null)
        where TKey : notnull
    {
        int[] rows = [.. Enumerable.Range(0, index.Count).Where(row => key(row) is not null)];
        int[] sizes = [.. rows.CountBy(row => key(row)!, comparer).Select(group => group.Value).Where(size => size > 1)];
        int shared = index.SemanticIds.Distinct().Select(index.RowsOf).Count(group =>
            group.Count > 1 && group.All(row => key(row) is not null) && group.DistinctBy(row => key(row)!, comparer).Count() == 1);
        return new DuplicateFigures(sizes.Length, sizes.Sum(), shared);
    }
}

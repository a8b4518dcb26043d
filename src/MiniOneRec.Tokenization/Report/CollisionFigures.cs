using System.Text.Json.Serialization;

namespace MiniOneRec.Tokenization;

/// <summary>Describes how far semantic IDs are shared.</summary>
/// <param name="Distinct">The number of different semantic IDs.</param>
/// <param name="Rate">1 − distinct / items.</param>
/// <param name="Groups">The number of semantic IDs with more than one item.</param>
/// <param name="Affected">The number of items in these groups.</param>
/// <param name="GroupSizes">How many semantic IDs have 2, 3, … items.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record CollisionFigures(int Distinct, double Rate, int Groups, int Affected, IReadOnlyDictionary<int, int> GroupSizes)
{
    internal static CollisionFigures Of(IReadOnlyList<SemanticId> ids)
    {
        int[] sizes = [.. ids.CountBy(id => id).Select(group => group.Value)];
        var shared = new SortedDictionary<int, int>(sizes.Where(size => size > 1).CountBy(size => size).ToDictionary());
        return new CollisionFigures(
            sizes.Length, 1 - (double)sizes.Length / ids.Count, shared.Values.Sum(), shared.Sum(pair => pair.Key * pair.Value), shared);
    }
}

/// <summary>Describes how often an interaction leads to an item that shares its semantic ID.</summary>
/// <param name="Count">The number of targets that the index has.</param>
/// <param name="Unknown">The number of targets that it lacks, not counted above.</param>
/// <param name="Ambiguous">The number of targets whose semantic ID another item has too.</param>
/// <param name="Share">Ambiguous / count.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record TargetFigures(int Count, int Unknown, int Ambiguous, double Share)
{
    internal static TargetFigures Of(SemanticIdIndex index, IEnumerable<string> targets)
    {
        int count = 0, unknown = 0, ambiguous = 0;
        foreach (string target in targets)
        {
            if (index.TryGetSemanticId(target, out var id))
            {
                count++;
                ambiguous += index.RowsOf(id).Count > 1 ? 1 : 0;
            }
            else
            {
                unknown++;
            }
        }

        return new TargetFigures(count, unknown, ambiguous, count == 0 ? 0 : (double)ambiguous / count);
    }
}

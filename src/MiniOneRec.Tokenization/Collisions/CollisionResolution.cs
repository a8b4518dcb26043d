using System.Text.Json.Serialization;

namespace MiniOneRec.Tokenization;

/// <summary>Reports what <see cref="CollisionResolver"/> did.</summary>
/// <param name="SemanticIds">The semantic IDs by row.</param>
/// <param name="LevelSizes">K of each level, with the extra one where there is one.</param>
/// <param name="Groups">The number of groups of items that had equal codes.</param>
/// <param name="Affected">The number of items in these groups.</param>
/// <param name="Moved">The items that did not get the code that encoding chose, by row.</param>
public sealed record CollisionResolution(
    IReadOnlyList<SemanticId> SemanticIds, IReadOnlyList<int> LevelSizes, int Groups, int Affected, IReadOnlyList<MovedItem> Moved)
{
    /// <summary>Gets the number of items whose vector is, number by number, that of another item with the same codes.</summary>
    public int Identical { get; init; }
}

/// <summary>An item that did not get the code that encoding chose.</summary>
/// <param name="Row">The item's row.</param>
/// <param name="Nearest">What encoding chose.</param>
/// <param name="Chosen">What it got.</param>
/// <param name="NearestDistance">Squared distance to the nearest code of the last level.</param>
/// <param name="ChosenDistance">Squared distance to the code that it got.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record MovedItem(int Row, SemanticId Nearest, SemanticId Chosen, double NearestDistance, double ChosenDistance);

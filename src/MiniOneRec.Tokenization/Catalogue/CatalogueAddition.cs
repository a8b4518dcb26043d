using System.Text.Json.Serialization;

namespace MiniOneRec.Tokenization;

/// <summary>What <see cref="SemanticIdCatalogue.AddItemsAsync"/> did.</summary>
/// <param name="SemanticIds">The semantic IDs that the items got, in the order in which they were given.</param>
/// <param name="Restored">The items that had been removed and got back what they had.</param>
/// <param name="Displaced">The items that did not get the code nearest to them, because somebody else has it or wants it.</param>
/// <param name="Drift">How well the codebooks suit all that was added since they were fitted, these items included.</param>
public sealed record CatalogueAddition(
    IReadOnlyList<SemanticId> SemanticIds, IReadOnlyList<string> Restored, IReadOnlyList<DisplacedItem> Displaced, CatalogueDrift Drift);

/// <summary>An added item that did not get the code nearest to it.</summary>
/// <param name="ItemId">The item.</param>
/// <param name="Nearest">What encoding chose.</param>
/// <param name="Chosen">What it got; one level deeper under <see cref="CollisionPolicy.ExtraLevel"/>.</param>
/// <param name="NearestDistance">Squared distance to the nearest code of the last level, in the quantizer's space.</param>
/// <param name="ChosenDistance">Squared distance to the code that it got.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record DisplacedItem(string ItemId, SemanticId Nearest, SemanticId Chosen, double NearestDistance, double ChosenDistance)
{
    /// <summary>Gets how much farther the code is that it got, as a squared distance; 0 under <see cref="CollisionPolicy.ExtraLevel"/>.</summary>
    public double Excess => ChosenDistance - NearestDistance;
}

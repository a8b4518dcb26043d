using System.Text.Json.Serialization;

namespace MiniOneRec.Tokenization;

/// <summary>Reports what <see cref="SemanticIdCatalogue.AddItemsAsync"/> did.</summary>
/// <param name="SemanticIds">The semantic IDs of <see cref="Items"/>, in the order in which the items were given.</param>
/// <param name="Restored">The items that had been removed and got back what they had.</param>
/// <param name="Displaced">The items that did not get the code nearest to them, because another item has it or wants it.</param>
/// <param name="Drift">How well the codebooks suit all that was added since they were fitted, these items included.</param>
public sealed record CatalogueAddition(
    IReadOnlyList<SemanticId> SemanticIds, IReadOnlyList<string> Restored, IReadOnlyList<DisplacedItem> Displaced, CatalogueDrift Drift)
{
    /// <summary>Gets the items that are in the catalogue now: those that were given, in that order, but for the ones that were left
    /// out.</summary>
    public IReadOnlyList<string> Items { get; init => field = value ?? []; } = [];

    /// <summary>Gets the items about whose text nothing is known; <see cref="GrowthOptions.UnknownText"/> says whether they were left
    /// out.</summary>
    public IReadOnlyList<UnknownText> UnknownTexts { get; init => field = value ?? []; } = [];
}

/// <summary>Specifies where an added item went that did not get the code nearest to it.</summary>
public enum ItemPlacement
{
    /// <summary>Another code of the last level, under the same prefix.</summary>
    Sibling,

    /// <summary>One level deeper, below the codes nearest to it.</summary>
    ExtraLevel,

    /// <summary>Another prefix, since its own was full.</summary>
    OtherPrefix,
}

/// <summary>An added item that did not get the code nearest to it.</summary>
/// <param name="ItemId">The item.</param>
/// <param name="Nearest">What encoding chose.</param>
/// <param name="Chosen">What it got; one level deeper under <see cref="CollisionPolicy.ExtraLevel"/>.</param>
/// <param name="NearestDistance">Squared distance to the nearest code of the last level, in the quantizer's space.</param>
/// <param name="ChosenDistance">Squared distance to the code that it got, at the last level.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record DisplacedItem(string ItemId, SemanticId Nearest, SemanticId Chosen, double NearestDistance, double ChosenDistance)
{
    /// <summary>Gets how much farther the code is that it got, as a squared distance; 0 one level deeper.</summary>
    public double Excess => ChosenDistance - NearestDistance;

    /// <summary>Gets where it went.</summary>
    public ItemPlacement Placement { get; init; }
}

using System.Collections.ObjectModel;

namespace MiniOneRec;

/// <summary>One entry of the catalogue with the text that describes it and the attributes that filters look at.</summary>
/// <remarks>Two items are equal where all they hold is equal, categories and attributes included.</remarks>
public sealed record Item
{
    /// <summary>Gets the catalogue's own key of the item.</summary>
    public required string Id { get; init; }

    /// <summary>Gets the title, empty where the catalogue has none.</summary>
    public string Title { get; init => field = value ?? ""; } = "";

    /// <summary>Gets the description, or <see langword="null"/> where there is none.</summary>
    public string? Description { get; init; }

    /// <summary>Gets the brand, or <see langword="null"/> where there is none.</summary>
    public string? Brand { get; init; }

    /// <summary>Gets the categories, from the general to the special.</summary>
    public IReadOnlyList<string> Categories { get; init => field = value ?? []; } = [];

    /// <summary>Gets the item's attributes by name, for example <c>price</c> or <c>stock</c>; empty where there is
    /// nothing.</summary>
    public IReadOnlyDictionary<string, AttributeValue> Attributes { get => field; init => field = value ?? NoAttributes; } = NoAttributes;

    private static ReadOnlyDictionary<string, AttributeValue> NoAttributes => ReadOnlyDictionary<string, AttributeValue>.Empty;

    /// <summary>Gets an attribute that is a number, or <see langword="null"/> where there is none; a comparison with <see langword="null"/>
    /// is false.</summary>
    /// <param name="attribute">The attribute's name.</param>
    public double? Number(string attribute) => Attributes.TryGetValue(attribute, out var value) ? value.Number : null;

    /// <summary>Gets an attribute that is a text, or <see langword="null"/> where there is none.</summary>
    /// <param name="attribute">The attribute's name.</param>
    public string? Text(string attribute) => Attributes.TryGetValue(attribute, out var value) ? value.Text : null;

    /// <summary>Returns whether an attribute exists and is <see langword="true"/>.</summary>
    /// <param name="attribute">The attribute's name.</param>
    public bool Is(string attribute) => Attributes.TryGetValue(attribute, out var value) && value.Boolean == true;

    /// <summary>Returns whether another item has the same content.</summary>
    /// <param name="other">The other item.</param>
    public bool Equals(Item? other) => ReferenceEquals(this, other)
        || (other is not null && Id == other.Id && Title == other.Title && Description == other.Description && Brand == other.Brand
            && (Categories ?? []).SequenceEqual(other.Categories ?? [], StringComparer.Ordinal)
            && Attributes.Count == other.Attributes.Count
            && Attributes.All(pair => other.Attributes.TryGetValue(pair.Key, out var value) && value == pair.Value));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Id, Title);
}

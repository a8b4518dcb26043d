namespace MiniOneRec;

/// <summary>One entry of the catalogue with the text that describes it.</summary>
public sealed record Item
{
    /// <summary>Gets the catalogue's own key of the item.</summary>
    public required string Id { get; init; }

    /// <summary>Gets the title, empty where the catalogue has none.</summary>
    public string Title { get; init; } = "";

    /// <summary>Gets the description, or <see langword="null"/> where there is none.</summary>
    public string? Description { get; init; }

    /// <summary>Gets the brand, or <see langword="null"/> where there is none.</summary>
    public string? Brand { get; init; }

    /// <summary>Gets the categories, from the general to the special.</summary>
    public IReadOnlyList<string> Categories { get; init; } = [];
}

namespace MiniOneRec.Tokenization;

/// <summary>Holds what a <see cref="SemanticIdReport"/> may look at besides the index; all of it is optional, and each part adds a
/// section.</summary>
public sealed record SemanticIdEvidence
{
    /// <summary>Gets the vectors by row of the index, <c>[N, E]</c>: adds neighbourhoods, identical vectors and the choice of the last
    /// code.</summary>
    public EmbeddingTable? Embeddings { get; init; }

    /// <summary>Gets the fitted quantizer that made the codes; without it codes are decoded by the mean residual of each code.</summary>
    public IQuantizer? Quantizer { get; init; }

    /// <summary>Gets the codes before collisions were resolved, by row; with vectors and a quantizer they are encoded where they are not
    /// given.</summary>
    public CodeTable? RawCodes { get; init; }

    /// <summary>Gets the ids of items that interactions lead to, with repetitions: adds the share of ambiguous targets.</summary>
    public IEnumerable<string>? Targets { get; init; }

    /// <summary>Gets one category by row, empty where an item has none: adds the purity of prefixes.</summary>
    public IReadOnlyList<string>? Categories { get; init; }

    /// <summary>Gets the text by row: adds duplicates of texts.</summary>
    public IReadOnlyList<string>? Texts { get; init; }

    /// <summary>Takes texts and categories from items; an item that the index has and the list lacks counts as without either.</summary>
    /// <param name="index">The index whose rows are to be described.</param>
    /// <param name="items">The catalogue, in any order.</param>
    /// <param name="category">An item's category; by default its most special one.</param>
    /// <param name="text">An item's text; by default <see cref="ItemText.Describe"/>.</param>
    public SemanticIdEvidence WithItems(SemanticIdIndex index, IEnumerable<Item> items, Func<Item, string?>? category = null, Func<Item,
        string>? text = null)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(items);
        string[] texts = [.. Enumerable.Repeat("", index.Count)], categories = [.. texts];
        foreach (var item in items)
        {
            if (index.TryGetRow(item.Id, out int row))
            {
                texts[row] = (text ?? ItemText.Describe)(item);
                categories[row] = (category is not null ? category(item) : item.Categories is [.., var special] ? special : null) ?? "";
            }
        }

        return this with { Texts = texts, Categories = categories.Any(label => label.Length > 0) ? categories : null };
    }

    /// <summary>Checks that every part has a row for each of the index's.</summary>
    internal void Check(SemanticIdIndex index)
    {
        Check(nameof(Embeddings), Embeddings?.Count);
        Check(nameof(RawCodes), RawCodes?.Count);
        Check(nameof(Categories), Categories?.Count);
        Check(nameof(Texts), Texts?.Count);
        if (RawCodes is { } raw && raw.Depth > index.Depth)
        {
            throw new ArgumentException($"{nameof(RawCodes)} has {raw.Depth} levels; the index has {index.Depth}.");
        }

        if (Quantizer is { } quantizer && Embeddings is { } embeddings)
        {
            LevelRules.CheckWidth(embeddings, quantizer.Width);
            if (quantizer.LevelSizes.Count > index.Depth || index.SemanticIds.Any(id => id.Depth < quantizer.LevelSizes.Count))
            {
                throw new ArgumentException($"The quantizer has {quantizer.LevelSizes.Count} levels; the index has items of fewer.");
            }
        }

        void Check(string name, int? count)
        {
            if (count is not null && count != index.Count)
            {
                throw new ArgumentException($"{name} has {count} rows; the index has {index.Count}.");
            }
        }
    }
}

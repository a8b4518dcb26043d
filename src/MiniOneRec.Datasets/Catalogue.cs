namespace MiniOneRec.Datasets;

/// <summary>Checks that the files of a data set speak of the same items.</summary>
internal static class Catalogue
{
    /// <summary>Reads items and refuses an empty or ambiguous catalogue.</summary>
    public static async Task<IReadOnlyList<Item>> LoadItemsAsync(string path, ReadLimits? limits, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string plain = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path;
        var items = plain.EndsWith(".item", StringComparison.OrdinalIgnoreCase)
            ? ItemFileReader.ReadAsync(path, limits, cancellationToken)
            : ItemJsonReader.ReadAsync(path, limits, cancellationToken);
        return await items.ToListAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Requires that an index has exactly the catalogue's items.</summary>
    /// <exception cref="InvalidDataException">One lacks an item of the other; the message names both files and the first such
    /// item.</exception>
    public static void RequireSameItems(SemanticIdIndex index, string indexPath, IReadOnlyList<Item> items, string itemsPath)
    {
        string[] missing = [.. items.Select(item => item.Id).Where(id => !index.TryGetRow(id, out _))];
        if (missing.Length > 0)
        {
            throw new InvalidDataException(
                $"Index file '{indexPath}' lacks {missing.Length} of the {items.Count} items of '{itemsPath}', first item '{missing[0]}'; "
                + "expected one semantic ID per item.");
        }

        if (index.Count > items.Count)
        {
            string extra = index.Items.Except(items.Select(item => item.Id)).First();
            throw new InvalidDataException(
                $"Index file '{indexPath}' has {index.Count} items, first extra item '{extra}', "
                + $"but '{itemsPath}' has {items.Count}; expected the same items.");
        }
    }
}

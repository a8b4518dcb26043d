using MiniOneRec.Datasets;

namespace MiniOneRec.Recipes;

/// <summary>Names the files of a data set and how it is split.</summary>
public sealed record RecipeData
{
    /// <summary>Gets the folder in the reference layout (index, info, train, valid, test), read with <see cref="Dataset"/>; or
    /// <see cref="Interactions"/> is given.</summary>
    public string? Folder { get; init; }

    /// <summary>Gets the name of the data set in <see cref="Folder"/>, for example <c>Office_Products</c>.</summary>
    public string? Dataset { get; init; }

    /// <summary>Gets a file of interactions (<c>.inter.json</c>, <c>.inter</c> or text lines), in place of <see cref="Folder"/>.</summary>
    public string? Interactions { get; init; }

    /// <summary>Gets a file of semantic IDs; it also replaces those of <see cref="Folder"/>.</summary>
    public string? Index { get; init; }

    /// <summary>Gets a file of item texts for <see cref="Interactions"/>.</summary>
    public string? Items { get; init; }

    /// <summary>Gets the split: <c>time</c>, <c>leave-one-out</c> or, with <see cref="Folder"/>, <c>given</c>.</summary>
    /// <value>The default is <see langword="null"/>: <c>given</c> with a folder, <c>leave-one-out</c> with a file of interactions.</value>
    public string? Split { get; init; }

    /// <summary>Reads the files and splits the interactions.</summary>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="ArgumentException">Neither a folder with a data set nor a file of interactions is named, or the split is not
    /// known.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the semantic IDs lack an item.</exception>
    public async Task<SplitDataset> LoadAsync(CancellationToken cancellationToken = default)
    {
        Check();
        if (Folder is null)
        {
            var interactions = await InteractionDataset.LoadAsync(Interactions!, Index, Items, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            return SplitBy(Split ?? "leave-one-out", interactions);
        }

        var data = await ReferenceDataset.LoadAsync(Folder, Dataset!, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (Index is not null)
        {
            data = data with { Index = await SemanticIdIndex.LoadAsync(Index, requireUniformDepth: true,
                cancellationToken: cancellationToken).ConfigureAwait(false) };
            RequireItems(data, Index);
        }

        // The layout's own sets are cut by time.
        return Split is null or "given" or "time" ? data : SplitBy(Split, data.Rejoin());
    }

    private void Check()
    {
        if ((Folder is null) == (Interactions is null))
        {
            throw new ArgumentException("Name either Folder with Dataset, or Interactions.");
        }

        if ((Folder is null) != (Dataset is null))
        {
            throw new ArgumentException("Folder and Dataset go together.");
        }

        if (Split is not (null or "time" or "leave-one-out" or "given") || (Split == "given" && Folder is null))
        {
            throw new ArgumentException($"Split is '{Split}'; expected 'time', 'leave-one-out' or, with Folder, 'given'.");
        }
    }

    private static SplitDataset SplitBy(string split, InteractionDataset data) => split == "time"
        ? new GlobalTimeSplit(maxHistory: RecipePreset.MaxHistory).Split(data)
        : new LeaveOneOutSplit(RecipePreset.MaxHistory).Split(data);

    private static void RequireItems(SplitDataset data, string path)
    {
        if (data.ItemIds.FirstOrDefault(item => !data.Index!.TryGetRow(item, out _)) is { } missing)
        {
            throw new InvalidDataException($"Index file '{path}' lacks item '{missing}' of data set '{data.Name}'.");
        }
    }
}

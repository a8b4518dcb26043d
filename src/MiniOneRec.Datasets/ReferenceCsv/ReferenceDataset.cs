using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Datasets;

/// <summary>Loads a data set in the reference system's layout with its given splits.</summary>
/// <remarks>
/// Training sequences are rebuilt from the training rows alone. Unknown items in histories are skipped and counted; an unknown
/// target is an error, because a row without its answer is of no use.
/// </remarks>
public static class ReferenceDataset
{
    /// <summary>Loads catalogue, semantic IDs and the three splits.</summary>
    /// <param name="directory">The folder that holds <c>index</c>, <c>info</c>, <c>train</c>, <c>valid</c> and <c>test</c>.</param>
    /// <param name="name">The data set's name, for example <c>Office_Products</c>.</param>
    /// <param name="requireUniformDepth">Whether semantic IDs of different depth are an error.</param>
    /// <param name="logger">The logger.</param>
    /// <param name="limits">How much a file may unpack to and how long a value may be, or <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="IOException">The folder or a file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is bad, or two disagree; the message names file, line and column or key.</exception>
    public static async Task<SplitDataset> LoadAsync(
        string directory, string name, bool requireUniformDepth = true, ILogger? logger = null, ReadLimits? limits = null,
        CancellationToken cancellationToken = default)
    {
        logger ??= NullLogger.Instance;
        var files = ReferenceFiles.Find(directory, name);
        var items = await Catalogue.LoadItemsAsync(files.Items, limits, cancellationToken).ConfigureAwait(false);
        var index = await SemanticIdIndex.LoadAsync(files.Index, null, requireUniformDepth, cancellationToken).ConfigureAwait(false);
        Catalogue.RequireSameItems(index, files.Index, items, files.Items);
        if (files.Info is not null)
        {
            await CheckInfoAsync(files.Info, index, files.Index, limits, cancellationToken).ConfigureAwait(false);
        }

        var known = items.Select(item => item.Id).ToHashSet(StringComparer.Ordinal);
        var (train, trainSkipped) = await LoadRowsAsync(files.Train, known, limits, cancellationToken).ConfigureAwait(false);
        var (validation, validationSkipped) = await LoadRowsAsync(files.Validation, known, limits, cancellationToken).ConfigureAwait(false);
        var (test, testSkipped) = await LoadRowsAsync(files.Test, known, limits, cancellationToken).ConfigureAwait(false);
        long skipped = trainSkipped + validationSkipped + testSkipped;
        if (skipped > 0)
        {
            Log.SkippedItems(logger, name, skipped);
        }

        Log.Loaded(logger, name, items.Count, train.Count, validation.Count, test.Count);
        return new SplitDataset
        {
            Name = name,
            Split = "given",
            Items = items,
            Index = index,
            TrainSequences = SequenceRebuilder.Rebuild(train),
            Train = train,
            Validation = validation,
            Test = test,
            SkippedHistoryItems = skipped,
        };
    }

    private static async Task<(List<NextItemExample> Rows, long Skipped)> LoadRowsAsync(
        string path, HashSet<string> known, ReadLimits? limits, CancellationToken cancellationToken)
    {
        var rows = new List<NextItemExample>();
        long skipped = 0;
        await foreach (var row in ReferenceCsvReader.ReadAsync(path, limits, cancellationToken).ConfigureAwait(false))
        {
            if (!known.Contains(row.ItemId))
            {
                throw DataFile.Bad(path, row.Line, "item_id",
                    $"item {DataFile.Show(row.ItemId)} is not one of the catalogue's {known.Count} items; expected a known item.");
            }

            var history = row.HistoryItemIds.All(known.Contains) ? row.HistoryItemIds : [.. row.HistoryItemIds.Where(known.Contains)];
            skipped += row.HistoryItemIds.Count - history.Count;
            rows.Add(new NextItemExample(row.UserId, history, row.ItemId));
        }

        return rows.Count > 0 ? (rows, skipped)
            : throw new InvalidDataException($"CSV file '{path}' has a header and no rows; expected at least one row.");
    }

    private static async Task CheckInfoAsync(string path, SemanticIdIndex index, string indexPath, ReadLimits? limits,
        CancellationToken cancellationToken)
    {
        await foreach (var row in InfoFileReader.ReadAsync(path, limits, cancellationToken).ConfigureAwait(false))
        {
            if (!index.TryGetSemanticId(row.ItemId, out var id))
            {
                throw DataFile.Bad(path, row.Line, "item id",
                    $"item {DataFile.Show(row.ItemId)} is not one of the {index.Count} items of '{indexPath}'; expected a known item.");
            }

            if (id != row.SemanticId)
            {
                throw DataFile.Bad(path, row.Line, "semantic ID",
                    $"item '{row.ItemId}' has {row.SemanticId}; expected {id} as in '{indexPath}'.");
            }
        }
    }
}

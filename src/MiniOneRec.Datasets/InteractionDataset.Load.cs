using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Datasets;

/// <content>Loading from files.</content>
public sealed partial record InteractionDataset
{
    /// <summary>Loads interactions, with a catalogue and semantic IDs where they are given.</summary>
    /// <param name="interactionsPath">
    /// The interactions: <c>.json</c> is read as user to list of items, <c>.inter</c> as RecBole's, with an interaction or a history and
    /// its target per line, as its header says; anything else as text lines <c>user item item …</c>.
    /// </param>
    /// <param name="indexPath">The <c>.index.json</c> file, or <see langword="null"/>.</param>
    /// <param name="itemsPath">The <c>.item.json</c> file, or RecBole's <c>.item</c> file, or <see langword="null"/>.</param>
    /// <param name="name">The data set's name, or <see langword="null"/> for the interaction file's.</param>
    /// <param name="requireUniformDepth">Whether semantic IDs of different depth are an error.</param>
    /// <param name="logger">The logger.</param>
    /// <param name="limits">How much a file may unpack to and how long a value may be, or <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>
    /// The data; the catalogue is that of the items file, else of the index, else of the interactions. Interactions with items outside
    /// the catalogue are skipped and counted, and users without any left are dropped.
    /// </returns>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is bad, two disagree, or no interaction is left; the message names file, line and
    /// key.</exception>
    public static async Task<InteractionDataset> LoadAsync(
        string interactionsPath,
        string? indexPath = null,
        string? itemsPath = null,
        string? name = null,
        bool requireUniformDepth = true,
        ILogger? logger = null,
        ReadLimits? limits = null,
        CancellationToken cancellationToken = default)
    {
        logger ??= NullLogger.Instance;
        var items = itemsPath is null ? null : await Catalogue.LoadItemsAsync(itemsPath, limits, cancellationToken).ConfigureAwait(false);
        var index = indexPath is null ? null
            : await SemanticIdIndex.LoadAsync(indexPath, null, requireUniformDepth, cancellationToken).ConfigureAwait(false);
        if (items is not null && index is not null)
        {
            Catalogue.RequireSameItems(index, indexPath!, items, itemsPath!);
        }

        var given = await ReadAsync(interactionsPath, limits, cancellationToken).ConfigureAwait(false);
        items ??= [.. (index?.Items ?? given.SelectMany(sequence => sequence.ItemIds).Distinct()).Select(id => new Item { Id = id })];
        var known = items.Select(item => item.Id).ToHashSet(StringComparer.Ordinal);
        UserSequence[] sequences =
            [.. given.Select(sequence => sequence.Where(known.Contains)).Where(sequence => sequence.ItemIds.Count > 0)];
        if (sequences.Length == 0)
        {
            throw new InvalidDataException(
                $"Interaction file '{interactionsPath}' has no interaction with one of the catalogue's {items.Count} items.");
        }

        string[] parts = Path.GetFileName(interactionsPath).Split('.');
        var data = new InteractionDataset
        {
            Name = name ?? parts[0],
            Items = items,
            Index = index,
            Sequences = sequences,
            SkippedInteractions =
            given.Sum(sequence => (long)sequence.ItemIds.Count) - sequences.Sum(sequence => (long)sequence.ItemIds.Count),
        };
        if (data.SkippedInteractions > 0)
        {
            Log.SkippedItems(logger, data.Name, data.SkippedInteractions);
        }

        Log.LoadedSequences(logger, data.Name, items.Count, sequences.Length);
        return data;
    }

    private static async Task<IReadOnlyList<UserSequence>> ReadAsync(string path, ReadLimits? limits, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string plain = path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path;
        if (plain.EndsWith(".inter", StringComparison.OrdinalIgnoreCase))
        {
            return await InterFileReader.ReadSequencesAsync(path, null, limits, cancellationToken).ConfigureAwait(false);
        }

        var sequences = plain.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            ? InterJsonReader.ReadAsync(path, limits, cancellationToken)
            : SequenceTextReader.ReadAsync(path, limits, cancellationToken);
        return await sequences.ToListAsync(cancellationToken).ConfigureAwait(false);
    }
}

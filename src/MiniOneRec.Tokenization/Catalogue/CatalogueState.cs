namespace MiniOneRec.Tokenization;

/// <summary>What a catalogue holds at one time; immutable.</summary>
internal sealed class CatalogueState
{
    private readonly HashSet<string> _removed;

    /// <param name="archive">All items with a semantic ID.</param>
    /// <param name="removed">Those that can no longer be recommended.</param>
    /// <param name="statistics">What was fitted and added.</param>
    public CatalogueState(SemanticIdIndex archive, IReadOnlySet<string> removed, DriftStatistics statistics)
    {
        _removed = [.. archive.Items.Where(removed.Contains)];
        (Archive, Statistics) = (archive, statistics);
        Removed = [.. archive.Items.Where(_removed.Contains)];
        Index = _removed.Count == 0 ? archive
            : new SemanticIdIndex(Entries(archive).Where(entry => !_removed.Contains(entry.Key)), archive.LevelSizes);
    }

    public SemanticIdIndex Archive { get; }

    public SemanticIdIndex Index { get; }

    public IReadOnlyList<string> Removed { get; }

    public DriftStatistics Statistics { get; }

    /// <summary>Whether an item has a semantic ID but can no longer be recommended.</summary>
    public bool IsRemoved(string id) => _removed.Contains(id);

    /// <summary>Checks that ids can be added.</summary>
    public void CheckNew(IReadOnlyList<string> ids)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string id in ids)
        {
            ArgumentNullException.ThrowIfNull(id, nameof(ids));
            if (!seen.Add(id))
            {
                throw new ArgumentException($"Item '{id}' comes twice.", nameof(ids));
            }

            if (Index.TryGetRow(id, out _))
            {
                throw new ArgumentException(
                    $"Item '{id}' is in the catalogue already, as {Index[id]}; a semantic ID is not changed by adding.", nameof(ids));
            }
        }
    }

    /// <summary>Appends new items and brings removed ones back.</summary>
    public CatalogueState With(IEnumerable<KeyValuePair<string, SemanticId>> added, IReadOnlyCollection<string> restored,
        DriftStatistics statistics) => new(
        new SemanticIdIndex(Entries(Archive).Concat(added), Archive.LevelSizes),
        _removed.Except(restored, StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal),
        statistics);

    /// <summary>Removes items, and with <paramref name="free"/> forgets them.</summary>
    public CatalogueState Without(IReadOnlyCollection<string> ids, bool free)
    {
        foreach (string id in ids)
        {
            if (!Archive.TryGetRow(id, out _) || (!free && IsRemoved(id)))
            {
                throw new KeyNotFoundException($"Item '{id}' is not in the catalogue{(IsRemoved(id) ? ": it was removed before" : "")}.");
            }
        }

        var gone = ids.ToHashSet(StringComparer.Ordinal);
        if (Index.Items.All(gone.Contains))
        {
            throw new ArgumentException($"A catalogue needs at least one item; all {Index.Count} would be removed.", nameof(ids));
        }

        return free
            ? new CatalogueState(new SemanticIdIndex(Entries(Archive).Where(entry => !gone.Contains(entry.Key)), Archive.LevelSizes),
                _removed, Statistics)
            : new CatalogueState(Archive, _removed.Union(gone, StringComparer.Ordinal).ToHashSet(StringComparer.Ordinal), Statistics);
    }

    private static IEnumerable<KeyValuePair<string, SemanticId>> Entries(SemanticIdIndex index) =>
        index.Items.Select((id, row) => KeyValuePair.Create(id, index.SemanticIds[row]));
}

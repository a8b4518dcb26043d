namespace MiniOneRec.Tokenization;

/// <summary>What a catalogue holds at one time; immutable.</summary>
internal sealed class CatalogueState
{
    private const int MostOneByOne = 32;
    private readonly HashSet<string> _removed;

    /// <param name="archive">All items with a semantic ID.</param>
    /// <param name="removed">Those that can no longer be recommended.</param>
    /// <param name="statistics">What was fitted and added.</param>
    public CatalogueState(SemanticIdIndex archive, IReadOnlySet<string> removed, DriftStatistics statistics)
        : this(archive, [.. archive.Items.Where(removed.Contains)], statistics, index: null)
    {
    }

    private CatalogueState(SemanticIdIndex archive, HashSet<string> removed, DriftStatistics statistics, SemanticIdIndex? index)
    {
        (Archive, _removed, Statistics) = (archive, removed, statistics);
        Index = removed.Count == 0 ? archive
            : index ?? new SemanticIdIndex(Entries(archive).Where(entry => !removed.Contains(entry.Key)), archive.LevelSizes);
    }

    public SemanticIdIndex Archive { get; }

    public SemanticIdIndex Index { get; }

    public IReadOnlyList<string> Removed => field ??= [.. _removed.OrderBy(id => Archive.TryGetRow(id, out int row) ? row : -1)];

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
        DriftStatistics statistics)
    {
        KeyValuePair<string, SemanticId>[] fresh = [.. added];
        HashSet<string> removed = restored.Count == 0 ? _removed : [.. _removed.Except(restored, StringComparer.Ordinal)];
        if (fresh.Length + restored.Count > MostOneByOne)
        {
            return new CatalogueState(new SemanticIdIndex(Entries(Archive).Concat(fresh), Archive.LevelSizes), removed, statistics,
                index: null);
        }

        var (archive, index) = (Archive, Index);
        foreach (string id in restored.Where(_removed.Contains).Distinct(StringComparer.Ordinal))
        {
            index = index.Insert(RowInIndex(index, id), id, archive[id]);
        }

        foreach (var (id, semanticId) in fresh)
        {
            bool same = ReferenceEquals(index, archive);
            archive = archive.Insert(archive.Count, id, semanticId);
            index = same ? archive : index.Insert(index.Count, id, semanticId);
        }

        return new CatalogueState(archive, removed, statistics, index);
    }

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

        HashSet<string> removed = [.. free ? _removed.Except(gone, StringComparer.Ordinal) : _removed.Union(gone, StringComparer.Ordinal)];
        if (gone.Count > MostOneByOne)
        {
            return new CatalogueState(
                free ? new SemanticIdIndex(Entries(Archive).Where(entry => !gone.Contains(entry.Key)), Archive.LevelSizes) : Archive,
                removed, Statistics, index: null);
        }

        var (archive, index) = (Archive, Index);
        foreach (string id in gone)
        {
            bool same = ReferenceEquals(index, archive);
            archive = free ? archive.Remove(id) : archive;
            index = IsRemoved(id) ? index : same && free ? archive : index.Remove(id);
        }

        return new CatalogueState(archive, removed, Statistics, index);
    }

    /// <summary>Finds the row that an item of the archive has in an index whose items are in the archive's order.</summary>
    private int RowInIndex(SemanticIdIndex index, string id)
    {
        Archive.TryGetRow(id, out int place);
        int low = 0;
        for (int high = index.Count; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = Archive.TryGetRow(index.Items[middle], out int there) && there < place ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private static IEnumerable<KeyValuePair<string, SemanticId>> Entries(SemanticIdIndex index) =>
        index.Items.Select((id, row) => KeyValuePair.Create(id, index.SemanticIds[row]));
}

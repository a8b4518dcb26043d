namespace MiniOneRec;

/// <summary>Finds the rows of an index by item and by semantic ID. Immutable; a changed lookup shares the tables of the first and keeps
/// what differs.</summary>
/// <remarks>
/// A row of the tables is a place. An item that came later stands before a place, and items that left are a sorted list of places, so that
/// a row is its place, less the removed ones before it, plus the inserted ones before it. Once many differ, the tables are made anew.
/// </remarks>
internal sealed class IndexLookup
{
    private const int MostChanges = 1_024;
    private const int RowsOfOneChange = 128;

    private readonly Dictionary<string, int> _places;
    private readonly Dictionary<SemanticId, int[]> _placesOf;
    private readonly int[] _removed;                        // places, ascending
    private readonly Inserted[] _inserted;                  // by row
    private readonly Dictionary<string, int> _insertedPlace;

    /// <summary>Makes the tables.</summary>
    /// <param name="entries">The items by row.</param>
    /// <param name="semanticIds">Their semantic IDs.</param>
    /// <exception cref="ArgumentException">An item comes twice.</exception>
    public IndexLookup(IReadOnlyList<string> entries, IReadOnlyList<SemanticId> semanticIds)
    {
        _places = new Dictionary<string, int>(entries.Count, StringComparer.Ordinal);
        for (int row = 0; row < entries.Count; row++)
        {
            if (!_places.TryAdd(entries[row], row))
            {
                throw new ArgumentException($"Item '{entries[row]}' is in the index twice.", nameof(entries));
            }
        }

        _placesOf = Enumerable.Range(0, entries.Count).GroupBy(row => semanticIds[row])
            .ToDictionary(group => group.Key, group => group.ToArray());
        (_removed, _inserted, _insertedPlace) = ([], [], []);
        DistinctCount = _placesOf.Count;
    }

    private IndexLookup(IndexLookup other, int[] removed, Inserted[] inserted, int distinct)
    {
        (_places, _placesOf, _removed, _inserted, DistinctCount) = (other._places, other._placesOf, removed, inserted, distinct);
        _insertedPlace = ReferenceEquals(inserted, other._inserted) ? other._insertedPlace
            : inserted.Index().ToDictionary(pair => pair.Item.Id, pair => pair.Index, StringComparer.Ordinal);
    }

    public int DistinctCount { get; }

    /// <summary>Gets whether so much differs from the tables that new ones serve better.</summary>
    public bool IsFull => _removed.Length + _inserted.Length > Math.Max(MostChanges, _places.Count / RowsOfOneChange);

    private bool IsChanged => _removed.Length + _inserted.Length > 0;

    public bool TryGetRow(string item, out int row)
    {
        if (_insertedPlace.TryGetValue(item, out int number))
        {
            row = RowOfInserted(number);
            return true;
        }

        bool found = _places.TryGetValue(item, out row) && (!IsChanged || Array.BinarySearch(_removed, row) < 0);
        row = found ? RowOf(row) : 0;
        return found;
    }

    public IReadOnlyList<int> RowsOf(SemanticId semanticId)
    {
        int[] places = _placesOf.GetValueOrDefault(semanticId) ?? [];
        return !IsChanged ? places
            : [.. places.Where(place => Array.BinarySearch(_removed, place) < 0).Select(RowOf)
                .Concat(Enumerable.Range(0, _inserted.Length).Where(number => _inserted[number].SemanticId == semanticId)
                    .Select(RowOfInserted))
                .Order()];
    }

    /// <summary>Returns the lookup after an item came to a row; it is not there before.</summary>
    public IndexLookup Insert(int row, string item, SemanticId semanticId)
    {
        int number = CountFirst(_inserted.Length, i => RowOfInserted(i) < row);

        // The place of the item that has the row now; the items inserted behind must not stand before it.
        int kept = row - number;
        int place = kept + CountFirst(_removed.Length, i => _removed[i] - i <= kept);
        place = number < _inserted.Length ? Math.Min(place, _inserted[number].Before) : place;
        Inserted[] inserted = [.. _inserted.AsSpan(..number), new(place, item, semanticId), .. _inserted.AsSpan(number..)];
        return new IndexLookup(this, _removed, inserted, DistinctCount + (RowsOf(semanticId).Count == 0 ? 1 : 0));
    }

    /// <summary>Returns the lookup after an item left, which is there before.</summary>
    public IndexLookup Remove(string item, SemanticId semanticId)
    {
        int distinct = DistinctCount - (RowsOf(semanticId).Count == 1 ? 1 : 0);
        if (_insertedPlace.TryGetValue(item, out int number))
        {
            return new IndexLookup(this, _removed, [.. _inserted.AsSpan(..number), .. _inserted.AsSpan((number + 1)..)], distinct);
        }

        int place = _places[item], at = ~Array.BinarySearch(_removed, place);
        return new IndexLookup(this, [.. _removed.AsSpan(..at), place, .. _removed.AsSpan(at..)], _inserted, distinct);
    }

    private int RowOf(int place)
    {
        if (!IsChanged)
        {
            return place;
        }

        return place - RemovedBefore(place) + CountFirst(_inserted.Length, i => _inserted[i].Before <= place);
    }

    // Of things in an order in which those that hold come first, how many hold: a search by halves.
    private static int CountFirst(int count, Func<int, bool> holds)
    {
        int low = 0;
        for (int high = count; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = holds(middle) ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    private int RowOfInserted(int number) => _inserted[number].Before - RemovedBefore(_inserted[number].Before) + number;

    private int RemovedBefore(int place) => Array.BinarySearch(_removed, place) is var at && at < 0 ? ~at : at;

    private readonly record struct Inserted(int Before, string Id, SemanticId SemanticId);
}

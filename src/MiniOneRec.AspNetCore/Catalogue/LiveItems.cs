using System.Collections.Concurrent;
using MiniOneRec.Stores;

namespace MiniOneRec.AspNetCore;

/// <summary>What is known of items: texts and attributes of the start, and what the store says since.</summary>
internal sealed class LiveItems
{
    private const int MostOneByOne = 32;
    private readonly ConcurrentDictionary<string, Item> _items = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, StoredItem> _stored = new(StringComparer.Ordinal);
    private IReadOnlyDictionary<string, Item> _first = new Dictionary<string, Item>();

    /// <summary>Gets the items that filters look at, by id; removed ones are not there.</summary>
    public IReadOnlyDictionary<string, Item> Items => _items;

    /// <summary>Gets the last state of each item of the store.</summary>
    public IReadOnlyDictionary<string, StoredItem> Stored => _stored;

    /// <summary>Gets the revision of the store up to which everything is here.</summary>
    public long Revision { get; private set; }

    /// <summary>Sets the items of the start.</summary>
    public void Begin(IReadOnlyDictionary<string, Item> first)
    {
        _first = first;
        foreach (var (id, item) in first)
        {
            _items.TryAdd(id, item);
        }
    }

    /// <summary>Takes over changes of the store.</summary>
    public void Apply(IEnumerable<StoredItem> changes)
    {
        foreach (var change in changes)
        {
            _stored[change.Item.Id] = change;
            if (change.IsRemoved)
            {
                _items.TryRemove(change.Item.Id, out _);
            }
            else
            {
                _items[change.Item.Id] = change.Item;
            }

            Revision = Math.Max(Revision, change.Revision);
        }
    }

    /// <summary>Gets an item, also one of the start that was removed, or null.</summary>
    public Item? Find(string id) =>
        _items.TryGetValue(id, out var item) ? item
        : _stored.TryGetValue(id, out var stored) ? stored.Item : _first.GetValueOrDefault(id);

    /// <summary>Gets the index that a model serves: its own items and those of the store, without the removed ones.</summary>
    /// <param name="catalogue">The model's catalogue.</param>
    /// <param name="canWrite">Whether the model can write a semantic ID.</param>
    /// <param name="left">How many items of the store have no semantic ID that the model can write.</param>
    public SemanticIdIndex IndexOf(ModelCatalogue catalogue, Func<SemanticId, bool> canWrite, out int left)
    {
        var first = catalogue.First;
        left = 0;
        if (_stored.IsEmpty)
        {
            return first;
        }

        var entries = new List<KeyValuePair<string, SemanticId>>(first.Count);
        for (int row = 0; row < first.Count; row++)
        {
            if (!(_stored.TryGetValue(first.Items[row], out var changed) && changed.IsRemoved))
            {
                entries.Add(new(first.Items[row], first.SemanticIds[row]));
            }
        }

        foreach (var item in _stored.Values.Where(item => !item.IsRemoved).OrderBy(item => item.Item.Id, StringComparer.Ordinal))
        {
            if (first.TryGetRow(item.Item.Id, out _))
            {
                continue;
            }

            if (SemanticIdIn(item, catalogue) is { } id && canWrite(id))
            {
                entries.Add(new(item.Item.Id, id));
            }
            else
            {
                left++;
            }
        }

        return new SemanticIdIndex(entries, first.LevelSizes);
    }

    /// <summary>Gets the index that a model serves after a change, from the one before; the result is that of
    /// <see cref="IndexOf"/>.</summary>
    /// <param name="before">The index before.</param>
    /// <param name="changed">The items whose state may differ from <paramref name="before"/>.</param>
    /// <param name="catalogue">The model's catalogue.</param>
    /// <param name="canWrite">Whether the model can write a semantic ID.</param>
    /// <param name="left">How many of the changed items have no semantic ID that the model can write.</param>
    public SemanticIdIndex IndexAfter(SemanticIdIndex before, IReadOnlyCollection<string> changed, ModelCatalogue catalogue,
        Func<SemanticId, bool> canWrite, out int left)
    {
        if (changed.Count > MostOneByOne || changed.Count >= before.Count)
        {
            return IndexOf(catalogue, canWrite, out left);
        }

        left = 0;
        var index = before;
        foreach (string id in changed)
        {
            SemanticId? wanted = null;
            if (_stored.TryGetValue(id, out var item) && !item.IsRemoved && !catalogue.First.TryGetSemanticId(id, out wanted))
            {
                wanted = SemanticIdIn(item, catalogue) is { } own && canWrite(own) ? own : null;
                left += wanted is null ? 1 : 0;
            }

            if (index.TryGetSemanticId(id, out var present) && present != wanted)
            {
                index = index.Remove(id);
            }

            if (wanted is not null && present != wanted)
            {
                index = index.Insert(RowIn(index, id, catalogue.First), id, wanted);
            }
        }

        return index;
    }

    /// <summary>Finds where an item belongs: items of the model's own index come first in its order, then those of the store by
    /// id.</summary>
    private static int RowIn(SemanticIdIndex index, string id, SemanticIdIndex first)
    {
        int own = first.TryGetRow(id, out int place) ? place : int.MaxValue, low = 0;
        for (int high = index.Count; low < high;)
        {
            int middle = (low + high) / 2, there = first.TryGetRow(index.Items[middle], out int row) ? row : int.MaxValue;
            bool before = there != own ? there < own : string.CompareOrdinal(index.Items[middle], id) < 0;
            (low, high) = before ? (middle + 1, high) : (low, middle);
        }

        return low;
    }

    /// <summary>Gets the semantic ID that an item of the store has in a catalogue, or null.</summary>
    public static SemanticId? SemanticIdIn(StoredItem item, ModelCatalogue catalogue) =>
        item.SemanticIds.TryGetValue(catalogue.Key, out string? text) && SemanticId.TryParse(text, out var id) ? id : null;
}

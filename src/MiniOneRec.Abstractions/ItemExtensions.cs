using System.Collections.Frozen;

namespace MiniOneRec;

/// <summary>Filters of requests that look at items instead of ids.</summary>
public static class ItemExtensions
{
    /// <summary>Makes a dictionary of items by id for <see cref="Where"/>.</summary>
    /// <param name="items">The items.</param>
    /// <exception cref="ArgumentException">An id comes twice.</exception>
    public static IReadOnlyDictionary<string, Item> ById(this IEnumerable<Item> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        var byId = new Dictionary<string, Item>(StringComparer.Ordinal);
        foreach (var item in items)
        {
            if (!byId.TryAdd(item.Id, item))
            {
                throw new ArgumentException($"Item '{item.Id}' comes twice.", nameof(items));
            }
        }

        return byId.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Narrows a request to the items that pass a test, besides the filter that it has.</summary>
    /// <param name="request">The request.</param>
    /// <param name="items">
    /// The items by id. A <see cref="System.Collections.Concurrent.ConcurrentDictionary{TKey, TValue}"/> that the application keeps up to
    /// date lets filters see the stock of the moment.
    /// </param>
    /// <param name="filter">The test. It must be safe for concurrent use.</param>
    /// <returns>The narrower request; ids that are not among <paramref name="items"/> are no candidates.</returns>
    public static RecommendationRequest Where(this RecommendationRequest request, IReadOnlyDictionary<string, Item> items, Func<Item,
        bool> filter)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(filter);
        var earlier = request.CandidateFilter;
        return request with { CandidateFilter = id => earlier?.Invoke(id) != false && items.TryGetValue(id, out var item) && filter(item) };
    }
}

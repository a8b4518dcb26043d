namespace MiniOneRec.Evaluation;

/// <summary>The catalogue in three slices by training popularity, each with about a third of the training interactions.</summary>
/// <remarks>
/// Items are walked from the most to the least interacted with, ties in catalogue order: those before the first third of all
/// interactions are the head, those before the second third the middle, the others the tail, unseen items included.
/// </remarks>
public sealed class PopularitySlices
{
    private readonly Dictionary<string, int> _sliceOf;
    private readonly HashSet<string> _seen;

    private PopularitySlices(Dictionary<string, int> sliceOf, IReadOnlyList<int> itemCounts, HashSet<string> seen) =>
        (_sliceOf, ItemCounts, _seen) = (sliceOf, itemCounts, seen);

    /// <summary>Gets the slices' names: <c>head</c>, <c>mid</c>, <c>tail</c>.</summary>
    public static IReadOnlyList<string> Names { get; } = ["head", "mid", "tail"];

    /// <summary>Gets how many items each slice has, in the order of <see cref="Names"/>.</summary>
    public IReadOnlyList<int> ItemCounts { get; }

    /// <summary>Gets how many items of the catalogue no training interaction names.</summary>
    public int ColdItemCount => _sliceOf.Count - _seen.Count;

    /// <summary>Counts interactions and cuts the catalogue.</summary>
    /// <param name="items">All item ids.</param>
    /// <param name="trainSequences">The training interactions; items outside the catalogue are ignored.</param>
    public static PopularitySlices Create(IReadOnlyList<string> items, IEnumerable<UserSequence> trainSequences)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(trainSequences);

        var counts = items.ToDictionary(item => item, _ => 0L, StringComparer.Ordinal);
        foreach (string item in trainSequences.SelectMany(sequence => sequence.ItemIds).Where(counts.ContainsKey))
        {
            counts[item]++;
        }

        long total = counts.Values.Sum(), before = 0;
        var sliceOf = new Dictionary<string, int>(items.Count, StringComparer.Ordinal);
        int[] itemCounts = new int[Names.Count];
        foreach (string item in items.OrderByDescending(item => counts[item]))
        {
            int slice = counts[item] == 0 ? 2 : (int)Math.Min(2, 3 * before / total);
            sliceOf[item] = slice;
            itemCounts[slice]++;
            before += counts[item];
        }

        return new PopularitySlices(sliceOf, itemCounts, [.. counts.Where(count => count.Value > 0).Select(count => count.Key)]);
    }

    /// <summary>Gets the slice of an item as a position in <see cref="Names"/>; items outside the catalogue are in the tail.</summary>
    /// <param name="itemId">The item.</param>
    public int SliceOf(string itemId) => _sliceOf.GetValueOrDefault(itemId, 2);

    /// <summary>Gets whether no training interaction names an item, as is true of all items outside the catalogue.</summary>
    /// <param name="itemId">The item.</param>
    public bool IsCold(string itemId) => !_seen.Contains(itemId);
}

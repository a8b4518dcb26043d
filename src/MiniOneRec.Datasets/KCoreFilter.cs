namespace MiniOneRec.Datasets;

/// <summary>Removes users and items with few interactions until all that remain have enough.</summary>
/// <param name="minimumPerUser">How many interactions a user needs, at least 1.</param>
/// <param name="minimumPerItem">How many interactions an item needs, at least 1.</param>
/// <remarks>Repeated interactions of a user with an item count each.</remarks>
public sealed class KCoreFilter(int minimumPerUser = 5, int minimumPerItem = 5)
{
    private readonly int _perUser = minimumPerUser >= 1 ? minimumPerUser
        : throw new ArgumentOutOfRangeException(nameof(minimumPerUser), minimumPerUser, "At least 1.");
    private readonly int _perItem = minimumPerItem >= 1 ? minimumPerItem
        : throw new ArgumentOutOfRangeException(nameof(minimumPerItem), minimumPerItem, "At least 1.");

    /// <summary>Filters sequences; users keep their order and their remaining items.</summary>
    /// <param name="sequences">The sequences.</param>
    /// <returns>The k-core, which may be empty.</returns>
    public IReadOnlyList<UserSequence> Apply(IReadOnlyList<UserSequence> sequences)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        sequences.RequireWhole(nameof(sequences));

        var kept = sequences;
        while (true)
        {
            var counts = kept.SelectMany(sequence => sequence.ItemIds).CountBy(item => item, StringComparer.Ordinal)
                .ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal);
            var next = kept.Where(sequence => sequence.ItemIds.Count >= _perUser)
                .Select(sequence => sequence.Where(item => counts[item] >= _perItem))
                .ToArray();
            if (next.Length == kept.Count && next.Zip(kept).All(pair => ReferenceEquals(pair.First, pair.Second)))
            {
                return kept;
            }

            kept = next;
        }
    }

    /// <summary>Filters a data set: its sequences, and its catalogue and index to the items that remain.</summary>
    /// <param name="data">The data set.</param>
    /// <exception cref="ArgumentException">Nothing remains.</exception>
    public InteractionDataset Apply(InteractionDataset data)
    {
        ArgumentNullException.ThrowIfNull(data);

        var sequences = Apply(data.Sequences);
        var items = sequences.SelectMany(sequence => sequence.ItemIds).ToHashSet(StringComparer.Ordinal);
        if (items.Count == 0)
        {
            throw new ArgumentException(
                $"No interactions of '{data.Name}' remain with at least {_perUser} per user and {_perItem} per item; "
                + "lower the thresholds.", nameof(data));
        }

        return data with
        {
            Sequences = sequences,
            Items = [.. data.Items.Where(item => items.Contains(item.Id))],
            Index = data.Index is not { } index ? null : new SemanticIdIndex(
                index.Items.Where(items.Contains).Select(item => KeyValuePair.Create(item, index[item])), index.LevelSizes),
        };
    }
}

namespace MiniOneRec.Datasets;

/// <summary>Expands sequences into rows: each item but the first becomes a target with the items before it as history.</summary>
internal static class SlidingWindow
{
    /// <summary>The longest history of the reference system's rows.</summary>
    public const int DefaultMaxHistory = 10;

    /// <summary>Expands sequences, user after user, oldest target first.</summary>
    /// <param name="sequences">The sequences.</param>
    /// <param name="maxHistory">The longest history, at least 1; older items are cut off.</param>
    public static IEnumerable<NextItemExample> Expand(IEnumerable<UserSequence> sequences, int maxHistory = DefaultMaxHistory)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxHistory, 1);
        return sequences.SelectMany(sequence => Enumerable.Range(1, Math.Max(0, sequence.ItemIds.Count - 1))
            .Select(position => At(sequence, position, maxHistory)));
    }

    /// <summary>Makes the row whose target stands at a position of a sequence.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="position">The target's position, zero-based.</param>
    /// <param name="maxHistory">The longest history, at least 1.</param>
    public static NextItemExample At(UserSequence sequence, int position, int maxHistory = DefaultMaxHistory)
    {
        ArgumentNullException.ThrowIfNull(sequence);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxHistory, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)position, (uint)sequence.ItemIds.Count, nameof(position));

        int start = Math.Max(0, position - maxHistory);
        string[] history = new string[position - start];
        for (int i = 0; i < history.Length; i++)
        {
            history[i] = sequence.ItemIds[start + i];
        }

        return new NextItemExample(sequence.UserId, history, sequence.ItemIds[position])
        {
            Timestamp = sequence.Timestamps?[position],
            HistoryTimestamps = sequence.Timestamps is { } times ? [.. times.Skip(start).Take(history.Length)] : null,
            EventType = sequence.EventTypes?[position],
            Weight = sequence.Weights?[position],
        };
    }
}

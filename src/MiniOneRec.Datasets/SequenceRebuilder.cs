namespace MiniOneRec.Datasets;

/// <summary>Rebuilds each user's one sequence from sliding-window rows, since training wants one causal sequence per user.</summary>
/// <remarks>
/// Rows of a user are taken in the order given. A history shorter than the window is the user's whole past; a full one is its end,
/// which is laid over the end of what is known as far as they agree. Rows that say nothing new add nothing. Where rows between
/// are missing, the sequence goes on without them.
/// </remarks>
internal static class SequenceRebuilder
{
    /// <summary>Rebuilds sequences.</summary>
    /// <param name="rows">Rows; users may be mixed, but each user's rows are in the order of time.</param>
    /// <param name="window">The longest history that the rows can have, at least 1.</param>
    /// <returns>One sequence per user, in the order of first appearance, without times.</returns>
    public static IReadOnlyList<UserSequence> Rebuild(IEnumerable<NextItemExample> rows, int window = SlidingWindow.DefaultMaxHistory)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 1);

        var sequences = new OrderedDictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var row in rows)
        {
            if (!sequences.TryGetValue(row.UserId, out var known))
            {
                sequences.Add(row.UserId, [.. row.History, row.Target]);
                continue;
            }

            bool wholePast = row.History.Count < window;
            if (wholePast && StartsWith(known, row.History, row.Target))
            {
                continue;
            }

            known.AddRange(row.History.Skip(Overlap(known, row.History)));
            known.Add(row.Target);
        }

        return [.. sequences.Select(pair => new UserSequence(pair.Key, pair.Value))];
    }

    private static bool StartsWith(List<string> known, IReadOnlyList<string> history, string target) =>
        known.Count > history.Count && known[history.Count] == target && history.Index().All(pair => known[pair.Index] == pair.Item);

    /// <summary>The length of the longest start of a history that is the end of what is known.</summary>
    private static int Overlap(List<string> known, IReadOnlyList<string> history)
    {
        int length = Math.Min(known.Count, history.Count);
        while (length > 0 && !Enumerable.Range(0, length).All(i => known[known.Count - length + i] == history[i]))
        {
            length--;
        }

        return length;
    }
}

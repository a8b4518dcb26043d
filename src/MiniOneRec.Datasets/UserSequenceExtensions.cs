namespace MiniOneRec.Datasets;

/// <summary>Cuts of <see cref="UserSequence"/> that keep items, times, types and weights together.</summary>
internal static class UserSequenceExtensions
{
    /// <summary>The first items of a sequence.</summary>
    public static UserSequence Prefix(this UserSequence sequence, int count) => sequence.Pick([.. Enumerable.Range(0, count)]);

    /// <summary>The items that pass a test.</summary>
    public static UserSequence Where(this UserSequence sequence, Func<string, bool> keep) =>
        sequence.WhereAt(position => keep(sequence.ItemIds[position]));

    /// <summary>The positions that pass a test; the same sequence where all do.</summary>
    public static UserSequence WhereAt(this UserSequence sequence, Func<int, bool> keep)
    {
        int[] kept = [.. Enumerable.Range(0, sequence.ItemIds.Count).Where(keep)];
        return kept.Length == sequence.ItemIds.Count ? sequence : sequence.Pick(kept);
    }

    /// <summary>Requires one time, type and weight per item where there are any.</summary>
    /// <exception cref="ArgumentException">A count differs; the message names the user.</exception>
    public static void RequireWhole(this IReadOnlyList<UserSequence> sequences, string parameter)
    {
        foreach (var sequence in sequences)
        {
            Check(sequence.Timestamps?.Count, "times");
            Check(sequence.EventTypes?.Count, "types");
            Check(sequence.Weights?.Count, "weights");

            void Check(int? count, string what)
            {
                if (count is { } found && found != sequence.ItemIds.Count)
                {
                    throw new ArgumentException(
                        $"User '{sequence.UserId}' has {sequence.ItemIds.Count} items and {found} {what}; expected one per item.",
                        parameter);
                }
            }
        }
    }

    private static UserSequence Pick(this UserSequence sequence, int[] positions)
    {
        T[]? Of<T>(IReadOnlyList<T>? values) => values is null ? null : Array.ConvertAll(positions, position => values[position]);
        return new UserSequence(sequence.UserId, Of(sequence.ItemIds)!)
        {
            Timestamps = Of(sequence.Timestamps),
            EventTypes = Of(sequence.EventTypes),
            Weights = Of(sequence.Weights),
        };
    }
}

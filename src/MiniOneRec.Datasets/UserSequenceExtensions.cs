namespace MiniOneRec.Datasets;

/// <summary>Cuts of <see cref="UserSequence"/> that keep items and times together.</summary>
internal static class UserSequenceExtensions
{
    /// <summary>The first items of a sequence.</summary>
    public static UserSequence Prefix(this UserSequence sequence, int count) => new(sequence.UserId, [.. sequence.ItemIds.Take(count)])
    {
        Timestamps = sequence.Timestamps is null ? null : [.. sequence.Timestamps.Take(count)],
    };

    /// <summary>The items that pass a test.</summary>
    public static UserSequence Where(this UserSequence sequence, Func<string, bool> keep)
    {
        int[] kept = [.. Enumerable.Range(0, sequence.ItemIds.Count).Where(i => keep(sequence.ItemIds[i]))];
        return kept.Length == sequence.ItemIds.Count ? sequence : new UserSequence(sequence.UserId, [.. kept.Select(i => sequence.ItemIds[i])])
        {
            Timestamps = sequence.Timestamps is null ? null : [.. kept.Select(i => sequence.Timestamps[i])],
        };
    }
}

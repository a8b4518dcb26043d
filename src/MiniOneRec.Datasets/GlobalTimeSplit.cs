namespace MiniOneRec.Datasets;

/// <summary>Orders all rows by the time of their target and cuts them into training, validation and test parts.</summary>
/// <param name="trainShare">The share of the training part, for example 0.8.</param>
/// <param name="validationShare">The share of the validation part, for example 0.1; the rest is the test part.</param>
/// <param name="maxHistory">The longest history of a row, at least 1.</param>
/// <remarks>
/// The reference system's protocol: rows are sorted stably, the first ⌊0.8·T⌋ train, those up to ⌊0.9·T⌋ validate. A user may occur in
/// all parts. A user's training rows are the first ones, so the training sequence is a prefix; users without a training row have none.
/// </remarks>
public sealed class GlobalTimeSplit(double trainShare = 0.8, double validationShare = 0.1, int maxHistory = SlidingWindow.DefaultMaxHistory)
{
    private readonly double _trainShare = trainShare is > 0 and <= 1
        ? trainShare
        : throw new ArgumentOutOfRangeException(nameof(trainShare), trainShare, "Above 0, at most 1.");

    private readonly double _validationShare = validationShare >= 0 && trainShare + validationShare <= 1 + 1e-12
        ? validationShare
        : throw new ArgumentOutOfRangeException(nameof(validationShare), validationShare,
            $"At least 0 and, with trainShare {trainShare}, at most 1 together.");

    private readonly int _maxHistory = maxHistory >= 1 ? maxHistory
        : throw new ArgumentOutOfRangeException(nameof(maxHistory), maxHistory, "At least 1.");

    /// <summary>Splits interactions.</summary>
    /// <param name="data">The interactions with their catalogue; every sequence has times.</param>
    /// <exception cref="ArgumentException">A sequence has no times, or they do not ascend; the message names the user.</exception>
    public SplitDataset Split(InteractionDataset data)
    {
        ArgumentNullException.ThrowIfNull(data);
        data.Sequences.RequireWhole(nameof(data));
        if (data.Sequences.FirstOrDefault(sequence => sequence.Timestamps is null) is { } untimed)
        {
            throw new ArgumentException(
                $"A split by time needs times, but user '{untimed.UserId}' of '{data.Name}' has none; use leave-one-out.", nameof(data));
        }

        if (data.Sequences.FirstOrDefault(sequence => !IsAscending(sequence.Timestamps!)) is { } unordered)
        {
            throw new ArgumentException(
                $"The times of user '{unordered.UserId}' of '{data.Name}' do not ascend; sort each sequence by time first.", nameof(data));
        }

        var rows = data.Sequences
            .SelectMany((sequence, user) => Enumerable.Range(1, Math.Max(0, sequence.ItemIds.Count - 1))
                .Select(position => (User: user, Row: SlidingWindow.At(sequence, position, _maxHistory))))
            .OrderBy(row => row.Row.Timestamp)      // stable
            .ToArray();

        // The tolerance keeps 0.8 + 0.1 from falling below 0.9.
        int trainEnd = (int)((_trainShare * rows.Length) + 1e-9),
            validationEnd = (int)(((_trainShare + _validationShare) * rows.Length) + 1e-9);
        int[] trained = new int[data.Sequences.Count];
        foreach (var (user, _) in rows.AsSpan(0, trainEnd))
        {
            trained[user]++;
        }

        return new SplitDataset
        {
            Name = data.Name,
            Split = "time",
            Items = data.Items,
            Index = data.Index,
            TrainSequences = [.. data.Sequences.Select((sequence, user) => (sequence, user))
                .Where(pair => trained[pair.user] > 0).Select(pair => pair.sequence.Prefix(trained[pair.user] + 1))],
            Train = [.. rows[..trainEnd].Select(row => row.Row)],
            Validation = [.. rows[trainEnd..validationEnd].Select(row => row.Row)],
            Test = [.. rows[validationEnd..].Select(row => row.Row)],
            SkippedHistoryItems = data.SkippedInteractions,
        };
    }

    private static bool IsAscending(IReadOnlyList<long> times) =>
        Enumerable.Range(1, Math.Max(0, times.Count - 1)).All(i => times[i - 1] <= times[i]);
}

namespace MiniOneRec.Datasets;

/// <summary>Holds out each user's last item for the test and the last but one for validation.</summary>
/// <param name="maxHistory">The longest history of a row, at least 1.</param>
/// <remarks>The protocol of SASRec (arXiv:1808.09781) and TIGER (arXiv:2305.05065). Users with fewer than three items train only.</remarks>
public sealed class LeaveOneOutSplit(int maxHistory = SlidingWindow.DefaultMaxHistory)
{
    private readonly int _maxHistory = maxHistory >= 1 ? maxHistory
        : throw new ArgumentOutOfRangeException(nameof(maxHistory), maxHistory, "At least 1.");

    /// <summary>Splits interactions.</summary>
    /// <param name="data">The interactions with their catalogue.</param>
    public SplitDataset Split(InteractionDataset data)
    {
        ArgumentNullException.ThrowIfNull(data);
        data.Sequences.RequireWhole(nameof(data));

        var train = new List<UserSequence>(data.Sequences.Count);
        List<NextItemExample> validation = [], test = [];
        foreach (var sequence in data.Sequences)
        {
            int count = sequence.ItemIds.Count;
            if (count < 3)
            {
                train.Add(sequence);
                continue;
            }

            train.Add(sequence.Prefix(count - 2));
            validation.Add(SlidingWindow.At(sequence, count - 2, _maxHistory));
            test.Add(SlidingWindow.At(sequence, count - 1, _maxHistory));
        }

        return new SplitDataset
        {
            Name = data.Name,
            Split = "leave-one-out",
            Items = data.Items,
            Index = data.Index,
            TrainSequences = train,
            Train = [.. SlidingWindow.Expand(train, _maxHistory)],
            Validation = validation,
            Test = test,
            SkippedHistoryItems = data.SkippedInteractions,
        };
    }
}

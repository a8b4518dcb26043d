using static TorchSharp.torch;

namespace MiniOneRec.Baselines;

/// <summary>Sequences side by side, padded on the right, with the positions whose next item is asked for.</summary>
/// <remarks>Under a causal network no real position sees the padding, so none of this needs a mask.</remarks>
internal sealed class SequenceBatch : IDisposable
{
    private SequenceBatch(Tensor items, Tensor? times, Tensor positions, Tensor? labels) =>
        (Items, Times, Positions, Labels) = (items, times, positions, labels);

    /// <summary>Gets the rows, <c>[B, T]</c> int64.</summary>
    public Tensor Items { get; }

    /// <summary>Gets the Unix times, <c>[B, T]</c> int64, or <see langword="null"/> where a row has none.</summary>
    public Tensor? Times { get; }

    /// <summary>Gets the places among the B·T that are asked for, <c>[M]</c> int64.</summary>
    public Tensor Positions { get; }

    /// <summary>Gets what follows each of those places, <c>[M]</c> int64, or <see langword="null"/> where nothing is to be
    /// learnt.</summary>
    public Tensor? Labels { get; }

    /// <summary>Makes a training batch: every item but the last is input, every item but the first a label.</summary>
    /// <param name="sequences">At least one sequence of at least two rows each.</param>
    /// <param name="device">Where the tensors live.</param>
    public static SequenceBatch ForTraining(IReadOnlyList<ItemRows> sequences, Device device)
    {
        int longest = sequences.Max(sequence => sequence.Length) - 1;
        var positions = new List<long>();
        var labels = new List<long>();
        for (int b = 0; b < sequences.Count; b++)
        {
            for (int t = 1; t < sequences[b].Length; t++)
            {
                positions.Add((long)b * longest + t - 1);
                labels.Add(sequences[b].Items[t]);
            }
        }

        return Make(sequences, longest, dropLast: 1, positions, labels, device);
    }

    /// <summary>Makes a batch that asks what follows each history.</summary>
    /// <param name="histories">At least one history of at least one row each.</param>
    /// <param name="device">Where the tensors live.</param>
    public static SequenceBatch ForRanking(IReadOnlyList<ItemRows> histories, Device device)
    {
        int longest = histories.Max(history => history.Length);
        return Make(histories, longest, dropLast: 0, [.. histories.Select((history, b) => (long)b * longest + history.Length - 1)], null,
            device);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Items.Dispose();
        Times?.Dispose();
        Positions.Dispose();
        Labels?.Dispose();
    }

    private static SequenceBatch Make(
        IReadOnlyList<ItemRows> sequences, int longest, int dropLast, List<long> positions, List<long>? labels, Device device)
    {
        var items = new long[sequences.Count * longest];
        long[]? times = sequences.All(sequence => sequence.Times is not null) ? new long[items.Length] : null;
        for (int b = 0; b < sequences.Count; b++)
        {
            for (int t = 0; t < sequences[b].Length - dropLast; t++)
            {
                items[b * longest + t] = sequences[b].Items[t];
                if (times is not null)
                {
                    times[b * longest + t] = sequences[b].Times![t];
                }
            }
        }

        return new SequenceBatch(
            tensor(items, [sequences.Count, longest], device: device).DetachFromDisposeScope(),
            times is null ? null : tensor(times, [sequences.Count, longest], device: device).DetachFromDisposeScope(),
            tensor(positions.ToArray(), device: device).DetachFromDisposeScope(),
            labels is null ? null : tensor(labels.ToArray(), device: device).DetachFromDisposeScope());
    }
}

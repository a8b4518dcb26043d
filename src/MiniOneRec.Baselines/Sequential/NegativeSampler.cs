using static TorchSharp.torch;

namespace MiniOneRec.Baselines;

/// <summary>Draws items that are not the next one.</summary>
internal static class NegativeSampler
{
    private const int Tries = 100;

    /// <summary>Draws items uniformly for each label of a training batch.</summary>
    /// <param name="sequences">The sequences of the batch.</param>
    /// <param name="items">N, at least 2.</param>
    /// <param name="count">J.</param>
    /// <param name="outsideSequence">Whether items of the label's own sequence are not drawn, unless it holds the whole catalogue or
    /// nearly; otherwise only the label is not.</param>
    /// <param name="random">Draws.</param>
    /// <param name="device">Where the tensor lives.</param>
    /// <returns><c>[M, J]</c> int64, in the order of the batch's labels.</returns>
    public static Tensor Draw(IReadOnlyList<ItemRows> sequences, int items, int count, bool outsideSequence, Random random, Device device)
    {
        int labels = sequences.Sum(sequence => sequence.Length - 1), at = 0;
        long[] drawn = new long[labels * (long)count];
        foreach (var sequence in sequences)
        {
            var own = outsideSequence ? sequence.Items.ToHashSet() : null;
            for (int t = 1; t < sequence.Length; t++)
            {
                for (int j = 0; j < count; j++)
                {
                    drawn[at++] = DrawOne(own, sequence.Items[t], items, random);
                }
            }
        }

        return tensor(drawn, [labels, count], device: device);
    }

    private static int DrawOne(HashSet<int>? own, int label, int items, Random random)
    {
        for (int i = 0; own is not null && own.Count < items && i < Tries; i++)
        {
            int row = random.Next(items);
            if (!own.Contains(row))
            {
                return row;
            }
        }

        int other = random.Next(items - 1);
        return other < label ? other : other + 1;
    }
}

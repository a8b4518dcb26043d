using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace MiniOneRec.Baselines.Tests;

public sealed class SequenceSamplerTests
{
    [Property(MaxTest = 100)]
    public Property Epoch_AnyLengths_EveryItemButTheFirstIsALabelOnce(byte[] lengths, byte maxLengthSeed)
    {
        int maxLength = maxLengthSeed % 9 + 1, next = 0;
        int[][] sequences = [.. lengths.Select(length => Enumerable.Range(0, length % 30).Select(_ => next++).ToArray())];
        var sampler = new SequenceSampler(sequences.Select(rows => (ItemRows)rows), maxLength, batchSize: 3, new Random(1));

        int[][] pieces = [.. sampler.Epoch().SelectMany(batch => batch).Select(piece => piece.Items)];

        int[] labels = [.. pieces.SelectMany(piece => piece.Skip(1)).Order()];
        int[] expected = [.. sequences.SelectMany(sequence => sequence.Skip(1)).Order()];
        return (labels.SequenceEqual(expected)
            && pieces.All(piece => piece.Length >= 2 && piece.Length <= maxLength + 1
                && piece.Zip(piece.Skip(1)).All(pair => pair.Second == pair.First + 1))
            && sampler.Epoch().Count() == sampler.BatchCount).ToProperty();
    }

    [Fact]
    public void Epoch_SameSeed_SameOrder()
    {
        ItemRows[] sequences = [.. Enumerable.Range(0, 50).Select(i => new ItemRows([i, i + 1]))];

        var first = new SequenceSampler(sequences, 5, 4, new Random(3)).Epoch().SelectMany(batch => batch).Select(piece => piece.Items[0]);
        var second = new SequenceSampler(sequences, 5, 4, new Random(3)).Epoch().SelectMany(batch => batch).Select(piece => piece.Items[0]);

        Assert.Equal(first, second);
    }
}

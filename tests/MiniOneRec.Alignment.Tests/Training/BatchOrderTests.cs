using MiniOneRec.Alignment;

namespace MiniOneRec.Tests;

public sealed class BatchOrderTests
{
    [Theory]
    [InlineData(1_000, 64)]
    [InlineData(1_024, 64)]
    [InlineData(37, 8)]
    [InlineData(5, 1)]
    [InlineData(3, 64)]
    public void Create_HoldsEverySampleOnce_InAsManyBatchesAsTheSizeSays(int samples, int batchSize)
    {
        var lengths = Lengths(samples, seed: 3);

        var batches = BatchOrder.Create(lengths, batchSize, new Random(1));

        Assert.Equal((samples + batchSize - 1) / batchSize, batches.Count);
        Assert.All(batches, Assert.NotEmpty);
        Assert.Equal(Enumerable.Range(0, samples), batches.SelectMany(batch => batch).Order());
    }

    [Fact]
    public void Create_LongTail_GivesBatchesOfEqualTokensAndSimilarLength()
    {
        var lengths = Lengths(4_096, seed: 5);
        double mean = lengths.Average() * 64;

        var batches = BatchOrder.Create(lengths, 64, new Random(1));

        Assert.All(batches, batch => Assert.InRange(batch.Sum(i => lengths[i]), mean * 0.7, mean * 1.3));
        double padded = batches.Sum(batch => batch.Length * (double)batch.Max(i => lengths[i]));
        Assert.InRange(padded / lengths.Sum(), 1, 1.5);                     // drawn at random: above 4
    }

    [Fact]
    public void Create_BatchesOfOne_AreSingleSamples() =>
        Assert.All(BatchOrder.Create([500, 1, 1, 500, 2], 1, new Random(1)), batch => Assert.Single(batch));

    [Fact]
    public void Create_EqualLengths_GivesEqualBatches() =>
        Assert.All(BatchOrder.Create([.. Enumerable.Repeat(7, 512)], 64, new Random(1)), batch => Assert.Equal(64, batch.Length));

    // Most are short, an eighth is long: a catalogue's users.
    private static int[] Lengths(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => 13 + (random.Next(8) == 0 ? random.Next(187) : random.Next(20)))];
    }
}

namespace MiniOneRec.Training.Tests;

public sealed class SeedStreamTests
{
    [Fact]
    public void Mix_Numbers_GiveTheRecordedSeeds()
    {
        foreach (long[] numbers in (long[][])[[], [42], [42, 1], [42, 2], [-1, 7, long.MaxValue], [0, 0, 0]])
        {
            Assert.Equal(RecordedMix(numbers), SeedStream.Mix(numbers));
        }
    }

    [Fact]
    public void Generator_SeedAndNumber_GivesTheRecordedDraws()
    {
        foreach (var (seed, number) in ((int, long)[])[(42, 1), (42, 2), (-3, 1_000_000), (0, 0), (int.MinValue, -1)])
        {
            Assert.Equal(RecordedGenerator(seed, number).NextInt64(), SeedStream.Generator(seed, number).NextInt64());
        }
    }

    [Fact]
    public void OfEpoch_SeedAndEpoch_GivesTheRecordedSeed()
    {
        Assert.Equal(42L << 32, SeedStream.OfEpoch(42, 0));
        Assert.Equal((42L << 32) ^ (7 * 2654435761L), SeedStream.OfEpoch(42, 7));
        Assert.Equal((-5L << 32) ^ 2654435761L, SeedStream.OfEpoch(-5, 1));
    }

    [Fact]
    public void Mix_Neighbours_AreFarApart() =>
        Assert.Equal(1000, Enumerable.Range(0, 1000).Select(step => SeedStream.Mix(42, step) >> 32).Distinct().Count());

    // The derivations as version 0.1 had them.
    private static long RecordedMix(long[] numbers)
    {
        ulong state = 0x9E3779B97F4A7C15;
        foreach (long number in numbers)
        {
            state = unchecked(state + (ulong)number + 0x9E3779B97F4A7C15);
            state = unchecked((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9);
            state = unchecked((state ^ (state >> 27)) * 0x94D049BB133111EB);
            state ^= state >> 31;
        }

        return (long)(state >> 1);
    }

    private static Random RecordedGenerator(int seed, long number)
    {
        ulong x = unchecked((ulong)seed * 0x9E3779B97F4A7C15UL + (ulong)number * 0xD1B54A32D192ED03UL + 0x632BE59BD9B4E019UL);
        x = unchecked((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL);
        x = unchecked((x ^ (x >> 27)) * 0x94D049BB133111EBUL);
        return new Random((int)((x ^ (x >> 31)) & int.MaxValue));
    }
}

namespace MiniOneRec.Training;

/// <summary>Derives independent seeds, so that every random choice depends on the run's seed and its place alone and a resumed run needs no
/// generator's state.</summary>
/// <remarks>
/// SplitMix64, Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators". The derivations differ for the sake of
/// recorded runs: each must give the bits that it gave before.
/// </remarks>
internal static class SeedStream
{
    private const ulong Gamma = 0x9E3779B97F4A7C15;

    /// <summary>Mixes numbers into one seed, positive and well spread. Fine-tuning seeds torch with (seed, step).</summary>
    public static long Mix(params ReadOnlySpan<long> numbers)
    {
        ulong state = Gamma;
        foreach (long number in numbers)
        {
            state = Spread(unchecked(state + (ulong)number + Gamma));
        }

        return (long)(state >> 1);
    }

    /// <summary>Makes the generator of a step of a policy, or of anything else that is numbered apart from steps.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="number">The step, from 1, or another number.</param>
    public static Random Generator(int seed, long number) =>
        new((int)(Spread(unchecked((ulong)seed * Gamma + (ulong)number * 0xD1B54A32D192ED03UL + 0x632BE59BD9B4E019UL)) & int.MaxValue));

    /// <summary>Computes the seed of an epoch of a quantizer.</summary>
    /// <param name="seed">The run's seed.</param>
    /// <param name="epoch">The epoch, from 0.</param>
    public static long OfEpoch(int seed, int epoch) => ((long)seed << 32) ^ ((uint)epoch * 2654435761L);

    private static ulong Spread(ulong state)
    {
        state = unchecked((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9);
        state = unchecked((state ^ (state >> 27)) * 0x94D049BB133111EB);
        return state ^ (state >> 31);
    }
}

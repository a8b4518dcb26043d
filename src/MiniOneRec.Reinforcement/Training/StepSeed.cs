namespace MiniOneRec.Reinforcement;

/// <summary>Generators derived from the seed and a number, so that a resumed run needs no generator state.</summary>
internal static class StepSeed
{
    /// <summary>Makes the generator of a step (from 1) or of anything else that is numbered apart from steps.</summary>
    public static Random For(int seed, long number)
    {
        // SplitMix64: neighbouring numbers give unrelated seeds.
        ulong x = unchecked((ulong)seed * 0x9E3779B97F4A7C15UL + (ulong)number * 0xD1B54A32D192ED03UL + 0x632BE59BD9B4E019UL);
        x = unchecked((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL);
        x = unchecked((x ^ (x >> 27)) * 0x94D049BB133111EBUL);
        return new Random((int)((x ^ (x >> 31)) & int.MaxValue));
    }
}

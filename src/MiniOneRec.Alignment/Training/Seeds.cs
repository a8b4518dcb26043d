namespace MiniOneRec.Alignment;

/// <summary>Derives independent seeds, so that every random choice depends on the seed and its place alone.</summary>
internal static class Seeds
{
    /// <summary>Mixes numbers into one, positive and well spread (SplitMix64's finalizer).</summary>
    public static long Mix(params ReadOnlySpan<long> numbers)
    {
        ulong state = 0x9E3779B97F4A7C15;
        foreach (long number in numbers)
        {
            state += unchecked((ulong)number) + 0x9E3779B97F4A7C15;
            state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
            state = (state ^ (state >> 27)) * 0x94D049BB133111EB;
            state ^= state >> 31;
        }

        return (long)(state >> 1);
    }
}

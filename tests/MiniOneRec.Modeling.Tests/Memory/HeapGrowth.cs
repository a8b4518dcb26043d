namespace MiniOneRec.Modeling.Tests;

/// <summary>Measures what the C library's allocator holds more after work than before.</summary>
internal static class HeapGrowth
{
    /// <summary>Gets the bytes in use, or skips the test.</summary>
    public static long InUse()
    {
        for (int i = 0; i < 2; i++)                                         // what finalizers let go of may have a finalizer of its own
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        var use = NativeHeap.Read();
        Skip.If(use is null, "Bytes in use are read by mallinfo2, which only glibc 2.33 and newer have.");
        return use.Value.InUse;
    }

    /// <summary>Fails where calls leave bytes behind: what leaks grows in every round, what the runtime's compiler keeps does
    /// not.</summary>
    /// <param name="calls">The calls of a round.</param>
    /// <param name="bound">The bytes that a call may leave behind.</param>
    /// <param name="call">One call.</param>
    public static void IsBounded(int calls, double bound, Action call) => IsBoundedAsync(calls, bound, () =>
    {
        call();
        return Task.CompletedTask;
    }).GetAwaiter().GetResult();

    /// <inheritdoc cref="IsBounded"/>
    public static async Task IsBoundedAsync(int calls, double bound, Func<Task> call)
    {
        for (int i = 0; i < Math.Min(calls, 500); i++)
        {
            await call();
        }

        var rounds = new List<double>();
        for (int round = 0; round < 6; round++)
        {
            long before = InUse();
            for (int i = 0; i < calls; i++)
            {
                await call();
            }

            rounds.Add((InUse() - before) / (double)calls);
            if (rounds[^1] <= bound)
            {
                return;
            }
        }

        Assert.Fail($"A call leaves bytes behind: {string.Join(", ", rounds.Select(bytes => $"{bytes:f1}"))} in rounds of {calls}.");
    }
}

using System.Runtime.InteropServices;

namespace MiniOneRec;

/// <summary>Holds the figures of the C library's allocator.</summary>
/// <param name="InUse">Bytes that the program has not freed.</param>
/// <param name="Free">Bytes that the program has freed and the allocator keeps; their pages may be resident or not.</param>
public readonly record struct NativeHeapUse(long InUse, long Free);

/// <summary>Reads the C library's allocator, in which tensors live, and gives its free pages back to the kernel.</summary>
/// <remarks>
/// Tensors of many shapes leave holes in the heap, and so does a model that is replaced: glibc keeps the pages, and resident memory grows
/// though nothing leaks. Searches and disposed models therefore call <see cref="Worked"/>. Works where the C library is glibc; elsewhere
/// nothing happens. Results never change.
/// </remarks>
public static partial class NativeHeap
{
    private const long Allowance = 32L << 20;
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(2);
    private static readonly Lock Gate = new();
    private static Timer? s_timer;                                  // runs from the first work after a pause until the heap was trimmed
    private static bool s_worked;
    private static bool s_without;                                  // this C library has no malloc_trim

    /// <summary>Gets or sets whether <see cref="Worked"/> has free pages given back; process-wide.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public static bool TrimsAfterWork { get; set; } = true;

    /// <summary>Reads the allocator; takes microseconds to about a millisecond.</summary>
    /// <returns>The bytes, or <see langword="null"/> where the C library is not glibc 2.33 or newer.</returns>
    public static NativeHeapUse? Read()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        try
        {
            var counts = mallinfo2();
            return new NativeHeapUse((long)(counts.Used + counts.Mapped), (long)counts.Free);
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Gives the free pages of the heap back to the kernel now; threads that allocate meanwhile wait.</summary>
    /// <returns>Whether any were given back.</returns>
    public static bool Trim()
    {
        if (!OperatingSystem.IsLinux() || s_without)
        {
            return false;
        }

        try
        {
            return malloc_trim(0) == 1;
        }
        catch (EntryPointNotFoundException)
        {
            s_without = true;                                       // musl
            return false;
        }
    }

    /// <summary>Says that tensors were made and freed: free pages go back once work pauses, and during work where they are many.</summary>
    public static void Worked()
    {
        if (!TrimsAfterWork || !OperatingSystem.IsLinux() || s_without)
        {
            return;
        }

        Volatile.Write(ref s_worked, true);
        if (Volatile.Read(ref s_timer) is null)
        {
            lock (Gate)
            {
                s_timer ??= new Timer(static _ => Tend(), null, Period, Period);
            }
        }
    }

    private static void Tend()
    {
        lock (Gate)
        {
            if (s_timer is null)
            {
                return;
            }

            bool worked = Volatile.Read(ref s_worked);
            Volatile.Write(ref s_worked, false);
            if (!worked)
            {
                s_timer.Dispose();
                s_timer = null;
                Trim();
            }
            else if (Read() is { } use && use.Free > Allowance + use.InUse / 8)
            {
                Trim();
            }
        }
    }

    [LibraryImport("libc")]
    private static partial int malloc_trim(nuint pad);

    [LibraryImport("libc")]
    private static partial Counts mallinfo2();

    // struct mallinfo2 of malloc.h: ten size_t.
    [StructLayout(LayoutKind.Sequential)]
    private struct Counts
    {
        public nuint Arena, FreeBlocks, FastBlocks, MappedBlocks, Mapped, MostUsed, FastFree, Used, Free, Releasable;
    }
}

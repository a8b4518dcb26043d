using System.Runtime.InteropServices;

namespace MiniOneRec;

/// <summary>Specifies what glibc's allocator does with large blocks that are freed.</summary>
public enum AllocatorGoal
{
    /// <summary>It keeps them for the next tensor of that size: resident memory stays near its peak, and fragments come on top.</summary>
    Speed,

    /// <summary>It returns blocks of 1 MiB and more at once, and the next tensor faults its pages in again.</summary>
    Memory,
}

/// <summary>Settings of the native libraries that suit tensor work and belong to the whole process, so that only an application may choose
/// them.</summary>
/// <remarks>
/// Call <see cref="Apply"/> as the first thing in an application that trains or serves on the CPU. glibc returns large blocks to the kernel
/// as soon as they are freed, and the next tensor of that size faults every page in again; OpenMP threads burn their cores while they
/// wait for each other, which costs most where other programs need the cores too. Results do not change.
/// </remarks>
public static partial class NativeTuning
{
    private static int s_done;

    /// <summary>Applies the settings once; does nothing where the C library is not glibc.</summary>
    /// <param name="goal">What counts more where both cannot be had.</param>
    /// <returns>Whether this call applied them.</returns>
    public static bool Apply(AllocatorGoal goal = AllocatorGoal.Speed)
    {
        if (!OperatingSystem.IsLinux() || Interlocked.Exchange(ref s_done, 1) == 1)
        {
            return false;
        }

        try
        {
            _ = mallopt(-3, goal == AllocatorGoal.Speed ? 1 << 30 : 1 << 20);               // M_MMAP_THRESHOLD
            _ = mallopt(-1, goal == AllocatorGoal.Speed ? int.MaxValue : 1 << 20);          // M_TRIM_THRESHOLD
            // M_ARENA_MAX: the thresholds hold for the main arena, and training has its own thread
            _ = mallopt(-8, 1);
            _ = setenv("OMP_WAIT_POLICY", "PASSIVE", overwrite: 0);     // read when libtorch loads, so before the first tensor
            return true;
        }
        catch (EntryPointNotFoundException)
        {
            return false;                               // musl has no mallopt
        }
    }

    [LibraryImport("libc")]
    private static partial int mallopt(int parameter, int value);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}

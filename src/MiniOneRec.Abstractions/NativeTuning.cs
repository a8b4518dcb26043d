using System.Runtime.InteropServices;

namespace MiniOneRec;

/// <summary>Settings of the native libraries that suit tensor work and belong to the whole process, so that only an application may choose them.</summary>
/// <remarks>
/// Call <see cref="Apply"/> as the first thing in an application that trains or serves on the CPU. glibc returns large blocks to the kernel
/// as soon as they are freed, and the next tensor of that size faults every page in again; OpenMP threads burn their cores while they
/// wait for each other, which costs most where other programs need the cores too. Results do not change.
/// </remarks>
public static partial class NativeTuning
{
    private static int s_done;

    /// <summary>Applies the settings once; does nothing where the C library is not glibc.</summary>
    /// <returns>Whether this call applied them.</returns>
    public static bool Apply()
    {
        if (!OperatingSystem.IsLinux() || Interlocked.Exchange(ref s_done, 1) == 1)
        {
            return false;
        }

        try
        {
            _ = mallopt(-3, 1 << 30);                   // M_MMAP_THRESHOLD
            _ = mallopt(-1, int.MaxValue);              // M_TRIM_THRESHOLD
            _ = mallopt(-8, 1);                         // M_ARENA_MAX: the thresholds hold for the main arena, and training has its own thread
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

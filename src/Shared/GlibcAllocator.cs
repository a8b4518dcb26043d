using System.Runtime.InteropServices;

namespace MiniOneRec.Shared;

/// <summary>Keeps glibc from returning large blocks to the kernel between tensor operations.</summary>
internal static class GlibcAllocator
{
    private static int s_done;

    /// <summary>Raises the thresholds once per process; does nothing where the C library is not glibc.</summary>
    public static void KeepLargeBlocks()
    {
        if (!OperatingSystem.IsLinux() || Interlocked.Exchange(ref s_done, 1) == 1)
        {
            return;
        }

        try
        {
            _ = mallopt(-3, 1 << 30);                   // M_MMAP_THRESHOLD
            _ = mallopt(-1, int.MaxValue);              // M_TRIM_THRESHOLD
        }
        catch (EntryPointNotFoundException)
        {
            // musl has no mallopt.
        }
    }

    [DllImport("libc")]
    private static extern int mallopt(int parameter, int value);
}

using System.Runtime.InteropServices;

namespace MiniOneRec.Training.Distributed;

/// <summary>Sleeps shorter than a millisecond, which <see cref="Thread.Sleep(int)"/> cannot.</summary>
internal static class Sleep
{
    public static void Microseconds(uint count)
    {
        if (OperatingSystem.IsWindows())
        {
            Thread.Sleep(1);
        }
        else
        {
            _ = usleep(count);
        }
    }

    [DllImport("libc")]
    private static extern int usleep(uint microseconds);
}

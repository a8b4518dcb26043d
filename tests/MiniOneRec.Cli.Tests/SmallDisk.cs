using System.Diagnostics;

namespace MiniOneRec.Cli.Tests;

/// <summary>A disk of a few megabytes: a tmpfs, for which Linux wants the rights of root.</summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string path) => Path = path;

    /// <summary>Gets where it is mounted.</summary>
    public string Path { get; }

    /// <summary>Mounts one.</summary>
    /// <param name="path">An empty folder.</param>
    /// <param name="megabytes">Its size.</param>
    /// <returns>The disk, or <see langword="null"/> where the system or the user does not allow it.</returns>
    public static SmallDisk? Mount(string path, int megabytes)
    {
        Directory.CreateDirectory(path);
        return OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess
            && Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", path)
            ? new SmallDisk(path) : null;
    }

    public void Dispose()
    {
        // A file that is only just closed keeps the disk busy; then it goes as soon as it can.
        if (!Run("umount", Path))
        {
            Run("umount", "-l", Path);
        }
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true });
            process!.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;                       // there is no such program
        }
    }
}

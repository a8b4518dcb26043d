using System.Runtime.InteropServices;

namespace MiniOneRec;

/// <summary>Puts a folder in the place of another.</summary>
internal static partial class FolderSwap
{
    private const int CurrentFolder = -100;                     // AT_FDCWD
    private const uint Exchange = 2;                            // RENAME_EXCHANGE of Linux and RENAME_SWAP of macOS
    private const int Attempts = 16;

    /// <summary>Gets or sets whether names are never exchanged, for tests of the other way.</summary>
    public static bool NeverExchange { get; set; }

    /// <summary>Puts <paramref name="aside"/> in the place of <paramref name="full"/>.</summary>
    /// <remarks>
    /// The names are exchanged in one step where the system can, and <paramref name="aside"/> then names the earlier folder. Elsewhere the
    /// earlier folder is renamed to <c>….old-…</c> first; a process that is killed between the two renames leaves that whole, and readers
    /// and writers find it.
    /// </remarks>
    public static void Put(string aside, string full)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                if (!Directory.Exists(full))
                {
                    Directory.Move(aside, full);
                    return;
                }

                if (!TryExchange(aside, full))
                {
                    Replace(aside, full);
                }

                return;
            }
            catch (IOException) when (attempt < Attempts && Directory.Exists(aside))
            {
                Thread.Sleep(attempt);                          // another writer was faster; its folder is replaced in turn
            }
        }
    }

    private static void Replace(string aside, string full)
    {
        string earlier = Leftovers.EarlierOf(aside);
        Directory.Move(full, earlier);
        WriteSteps.Reached("moved away");
        try
        {
            Directory.Move(aside, full);
        }
        catch (IOException)
        {
            if (Directory.Exists(full))
            {
                Leftovers.Delete(earlier);
            }
            else
            {
                Directory.Move(earlier, full);
            }

            throw;
        }

        WriteSteps.Reached("moved in");
        Leftovers.Delete(earlier);
    }

    private static bool TryExchange(string aside, string full)
    {
        if (NeverExchange)
        {
            return false;
        }

        try
        {
            return (OperatingSystem.IsLinux() && renameat2(CurrentFolder, aside, CurrentFolder, full, Exchange) == 0)
                || (OperatingSystem.IsMacOS() && renamex_np(aside, full, Exchange) == 0);
        }
        catch (EntryPointNotFoundException)
        {
            return false;                                       // an older C library
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int renameat2(int fromFolder, string from, int toFolder, string to, uint flags);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int renamex_np(string from, string to, uint flags);
}

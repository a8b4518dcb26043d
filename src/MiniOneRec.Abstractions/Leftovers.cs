using System.Buffers;

namespace MiniOneRec;

/// <summary>What writes leave beside their target while they run, and what killed ones left.</summary>
/// <remarks>
/// A folder <c>NAME.tmp-ID</c> belongs to a writer as long as the writer holds <c>NAME.tmp-ID.lock</c> open; a file <c>NAME.tmp-ID</c> is
/// open itself. The kernel ends such a lock together with the process. Names of version 0.1 have no lock and count as left after an hour.
/// </remarks>
internal static class Leftovers
{
    private const string Aside = ".tmp-", Earlier = ".old-", LockEnd = ".lock";
    private const int IdLength = 32;
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");
    private static readonly TimeSpan AgeWithoutLock = TimeSpan.FromHours(1);

    // A file exists for an instant before its writer has locked it.
    private static readonly TimeSpan TimeToLock = TimeSpan.FromMilliseconds(100);

    public static string NewSuffix() => Aside + Guid.NewGuid().ToString("N");

    /// <summary>Gets the name that the earlier folder has while it is being replaced.</summary>
    public static string EarlierOf(string aside)
    {
        int at = aside.LastIndexOf(Aside, StringComparison.Ordinal);
        return string.Concat(aside.AsSpan(0, at), Earlier, aside.AsSpan(at + Aside.Length));
    }

    /// <summary>Locks a folder that is about to be made.</summary>
    public static IDisposable Lock(string aside) =>
        new FileStream(aside + LockEnd, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);

    /// <summary>Finds the folder that a killed replacement moved away, where the target itself is missing.</summary>
    public static string? Find(string full)
    {
        if (Directory.Exists(full) || File.Exists(full))
        {
            return null;
        }

        return Siblings(full).Where(path => IsNamed(path, full, Earlier) && Directory.Exists(path)).OrderByDescending(LastWrite)
            .FirstOrDefault();
    }

    /// <summary>Puts a folder back that a killed replacement moved away.</summary>
    public static void Recover(string full)
    {
        if (Find(full) is { } earlier && !IsHeld(earlier))
        {
            try
            {
                Directory.Move(earlier, full);
            }
            catch (IOException) when (Directory.Exists(full))
            {
                // Another process put it back.
            }
        }
    }

    /// <summary>Removes what killed writers left beside a target that exists or is about to.</summary>
    public static void Clean(string full)
    {
        bool exists = Directory.Exists(full) || File.Exists(full);

        // A lock tells whose its folder is, so that it goes last.
        foreach (string path in Siblings(full).OrderBy(path => path.EndsWith(LockEnd, StringComparison.Ordinal)))
        {
            bool ours = IsNamed(path, full, Aside) || (exists && IsNamed(path, full, Earlier));
            if (ours && !IsHeld(path))
            {
                Delete(path);
                Delete(LockOf(path));
            }
        }
    }

    /// <summary>Deletes a file or folder; one that resists stays for the next writer.</summary>
    public static void Delete(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }
            else
            {
                File.Delete(path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next write tries again.
        }
    }

    private static string[] Siblings(string full)
    {
        try
        {
            string name = Path.GetFileName(full);
            return [.. Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(full)!)
                .Where(path => Path.GetFileName(path).StartsWith(name, StringComparison.Ordinal))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Whether a path is the target's name, the middle part, and 32 hexadecimal digits, perhaps with the end of a lock.</summary>
    private static bool IsNamed(string path, string full, string middle)
    {
        var rest = Path.GetFileName(path.AsSpan())[Path.GetFileName(full.AsSpan()).Length..];
        if (!rest.StartsWith(middle, StringComparison.Ordinal))
        {
            return false;
        }

        rest = rest[middle.Length..];
        rest = rest.EndsWith(LockEnd, StringComparison.Ordinal) ? rest[..^LockEnd.Length] : rest;
        return rest.Length == IdLength && !rest.ContainsAnyExcept(Digits);
    }

    private static bool IsHeld(string path)
    {
        string mark = LockOf(path);
        if (File.Exists(mark))
        {
            return IsOpen(mark);
        }

        if (Directory.Exists(path))
        {
            return DateTime.UtcNow - LastWrite(path) < AgeWithoutLock;
        }

        // Windows closes a file before it renames it, so that an instant passes without a lock.
        return IsOpen(path) || (OperatingSystem.IsWindows() && DateTime.UtcNow - LastWrite(path) < AgeWithoutLock);
    }

    private static bool IsOpen(string path)
    {
        try
        {
            if (DateTime.UtcNow - LastWrite(path) < TimeToLock)
            {
                return File.Exists(path);
            }

            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.None);
            return false;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    private static string LockOf(string path)
    {
        if (path.EndsWith(LockEnd, StringComparison.Ordinal))
        {
            return path;
        }

        int at = path.Length - IdLength - Earlier.Length;
        return (path.AsSpan(at).StartsWith(Aside, StringComparison.Ordinal) ? path
            : string.Concat(path.AsSpan(0, at), Aside, path.AsSpan(at + Earlier.Length))) + LockEnd;
    }

    private static DateTime LastWrite(string path) => Directory.Exists(path) ? Directory.GetLastWriteTimeUtc(path)
        : File.GetLastWriteTimeUtc(path);
}

namespace MiniOneRec;

/// <summary>Finds where a write goes and whether what is there may be replaced.</summary>
internal static class WriteTarget
{
    // What file managers and file systems put into folders by themselves.
    private static readonly string[] Ignored = [".DS_Store", "Thumbs.db", "desktop.ini"];

    /// <summary>Gets the full path, with a symbolic link at its end followed.</summary>
    public static string Resolve(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (new FileInfo(full).LinkTarget is null)
        {
            return full;
        }

        try
        {
            return Path.TrimEndingDirectorySeparator(new FileInfo(full).ResolveLinkTarget(returnFinalTarget: true)!.FullName);
        }
        catch (IOException e)
        {
            throw new IOException($"'{path}' is a symbolic link that leads nowhere: {e.Message}", e);
        }
    }

    /// <summary>Checks that a folder may be written.</summary>
    /// <param name="path">The path as the caller gave it, for the message.</param>
    /// <param name="full">The path without links.</param>
    /// <param name="refusal">Gets why a folder that is not empty is not replaced, or <see langword="null"/>.</param>
    /// <param name="remedy">How the message goes on after the advice to take another folder.</param>
    /// <exception cref="IOException">The target may not be replaced.</exception>
    public static void Check(string path, string full, Func<string, string?> refusal,
        string remedy = ", or pass overwrite: true to replace it with all that it holds")
    {
        if (File.Exists(full))
        {
            throw new TargetRefusedException($"'{path}' is a file; expected a folder or nothing. Nothing was written.");
        }

        if (Directory.Exists(full) && Entries(full).Any() && refusal(full) is { } reason)
        {
            throw new TargetRefusedException(
                $"Folder '{path}' exists and {reason}. It was left as it is. Choose another folder{remedy}.");
        }
    }

    /// <summary>Describes what lies in a folder and is not recognised, or returns <see langword="null"/>.</summary>
    public static string? Foreign(string folder, Func<string, bool> isOurs) =>
        Describe([.. Entries(folder).Where(name => !isOurs(name))]);

    /// <summary>Describes names that are not recognised, or returns <see langword="null"/> where there are none.</summary>
    public static string? Describe(IReadOnlyList<string> names) => names.Count == 0
        ? null
            : "holds what this library did not write there: "
            + $"{string.Join(", ", names.Order(StringComparer.Ordinal).Take(5).Select(name => $"'{name}'"))}"
            + (names.Count > 5 ? $" and {names.Count - 5} more" : "");

    /// <summary>Lists the files below a folder by relative path with slashes; links are listed and not followed.</summary>
    public static List<string> Files(string folder)
    {
        var found = new List<string>();
        var open = new Stack<string>([""]);
        while (open.TryPop(out string? at))
        {
            foreach (var entry in new DirectoryInfo(Path.Combine(folder, at)).EnumerateFileSystemInfos())
            {
                string name = at.Length == 0 ? entry.Name : at + "/" + entry.Name;
                if (entry is DirectoryInfo && entry.LinkTarget is null)
                {
                    open.Push(name);
                }
                else if (!Ignored.Contains(entry.Name, StringComparer.Ordinal))
                {
                    found.Add(name);
                }
            }
        }

        return found;
    }

    /// <summary>Lists the folders below a folder that hold nothing, by relative path with slashes; links are not followed.</summary>
    public static List<string> EmptyFolders(string folder)
    {
        var found = new List<string>();
        var open = new Stack<string>([""]);
        while (open.TryPop(out string? at))
        {
            bool isEmpty = true;
            foreach (var entry in new DirectoryInfo(Path.Combine(folder, at)).EnumerateFileSystemInfos())
            {
                isEmpty = false;
                if (entry is DirectoryInfo && entry.LinkTarget is null)
                {
                    open.Push(at.Length == 0 ? entry.Name : at + "/" + entry.Name);
                }
            }

            if (isEmpty && at.Length > 0)
            {
                found.Add(at);
            }
        }

        return found;
    }

    private static IEnumerable<string> Entries(string folder) =>
        Directory.EnumerateFileSystemEntries(folder).Select(entry => Path.GetFileName(entry)!)
            .Where(name => !Ignored.Contains(name, StringComparer.Ordinal));
}

/// <summary>The target of a write is not ours to replace.</summary>
#pragma warning disable CA1064 // Callers see an IOException.
internal sealed class TargetRefusedException(string message) : IOException(message);
#pragma warning restore CA1064

/// <summary>Tells tests which step of a write was reached, so that they can end the process there.</summary>
internal static class WriteSteps
{
    /// <summary>Gets or sets the observer.</summary>
    public static Action<string>? Observer { get; set; }

    public static void Reached(string step) => Observer?.Invoke(step);
}

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>The kinds of file that are told by their names.</summary>
internal enum FileKind
{
    Parquet,
    Csv,
    Json,
    Atomic,
    Dat,
    Database,
}

/// <summary>Finds the files that paths, patterns and folders name.</summary>
internal static class InputFiles
{
    private static readonly (string Extension, FileKind Kind)[] Extensions =
    [
        (".parquet", FileKind.Parquet), (".pq", FileKind.Parquet), (".csv", FileKind.Csv), (".tsv", FileKind.Csv), (".tab", FileKind.Csv),
            (".txt", FileKind.Csv),
        (".json", FileKind.Json), (".jsonl", FileKind.Json), (".ndjson", FileKind.Json), (".inter", FileKind.Atomic),
            (".item", FileKind.Atomic),
        (".user", FileKind.Atomic), (".dat", FileKind.Dat), (".duckdb", FileKind.Database), (".ddb", FileKind.Database),
            (".db", FileKind.Database),
    ];

    /// <summary>Finds the files of one option.</summary>
    /// <param name="inputs">Paths, patterns and folders.</param>
    /// <param name="option">The option's name, for messages.</param>
    /// <exception cref="FileNotFoundException">A path or pattern names nothing.</exception>
    /// <exception cref="InvalidDataException">A file is empty or a folder holds nothing that can be read.</exception>
    public static IReadOnlyList<string> Find(IEnumerable<string> inputs, string option) =>
        [.. inputs.SelectMany(input => Find(input, option))];

    /// <summary>The kind of a file by its name, or <see langword="null"/>.</summary>
    public static FileKind? KindOf(string path)
    {
        string plain = Unpacked(path);
        return Array.Find(Extensions, pair =>
            plain.EndsWith(pair.Extension, StringComparison.OrdinalIgnoreCase)) is { Extension: not null } found ? found.Kind : null;
    }

    /// <summary>The name without the ending of a packed file.</summary>
    public static string Unpacked(string path) =>
        path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? path[..^3] : path.EndsWith(".zst", StringComparison.OrdinalIgnoreCase)
            ? path[..^4] : path;

    /// <summary>Requires that files can be read by one call of the engine.</summary>
    /// <exception cref="InvalidDataException">The kinds differ or are unknown.</exception>
    public static FileKind OneKind(IReadOnlyList<string> files, string option)
    {
        foreach (string file in files)
        {
            if (KindOf(file) is null)
            {
                throw new InvalidDataException(
                    $"File '{file}' ({option}) has an unknown ending; "
                    + $"expected one of {string.Join(", ", Extensions.Select(pair => pair.Extension))}, also with .gz or .zst.");
            }
        }

        var kinds = files.Select(file => KindOf(file)!.Value).Distinct().ToArray();
        return kinds.Length == 1 ? kinds[0]
            : throw new InvalidDataException(
                $"{option} names files of several kinds ({string.Join(", ", kinds)}); expected one kind. Read them one after the other.");
    }

    private static IEnumerable<string> Find(string input, string option)
    {
        if (string.IsNullOrWhiteSpace(input))
        {
            throw new ArgumentException($"{option} holds an empty path.");
        }

        if (File.Exists(input))
        {
            return new FileInfo(input).Length > 0 ? [input]
                : throw new InvalidDataException($"File '{input}' ({option}) is empty; expected interactions or items.");
        }

        if (Directory.Exists(input))
        {
            return InFolder(input, option);
        }

        if (!input.AsSpan().ContainsAny("*?["))
        {
            throw new FileNotFoundException($"File '{input}' ({option}) does not exist.", input);
        }

        string[] found = [.. Glob.Find(input)];
        return found.Length > 0 ? found : throw new FileNotFoundException($"No file fits the pattern '{input}' ({option}).", input);
    }

    // Files whose names start with '_' or '.' are the bookkeeping of the engines that write partitioned folders.
    private static string[] InFolder(string folder, string option)
    {
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(file => KindOf(file) is not (null or FileKind.Database) && Path.GetFileName(file)[0] is not ('_' or '.')
                && !Path.GetRelativePath(folder, file).Split(Path.DirectorySeparatorChar).Any(part => part[0] is '_' or '.'))
            .Order(StringComparer.Ordinal).ToArray();
        string[] interactions = [.. files.Where(file => Unpacked(file).EndsWith(".inter", StringComparison.OrdinalIgnoreCase))];
        string[] found = interactions.Length > 0 ? interactions : [.. files.Where(file => KindOf(file) is not FileKind.Atomic)];
        return found.Length > 0 ? found : throw new InvalidDataException(
            $"Folder '{folder}' ({option}) holds no file that can be read; expected Parquet, CSV, JSON or .inter files.");
    }
}

/// <summary>Finds files by pattern: <c>*</c> and <c>?</c> within a name, <c>**</c> for any folders.</summary>
internal static class Glob
{
    public static IEnumerable<string> Find(string pattern)
    {
        string normal = pattern.Replace('\\', '/');
        int wild = normal.AsSpan().IndexOfAny("*?[");
        int slash = normal[..wild].LastIndexOf('/');
        string root = slash < 0 ? "." : slash == 0 ? "/" : normal[..slash];
        if (!Directory.Exists(root))
        {
            return [];
        }

        string rest = System.Text.RegularExpressions.Regex.Escape(normal[(slash + 1)..])
            .Replace(@"\*\*/", "(.*/)?", StringComparison.Ordinal).Replace(@"\*", "[^/]*", StringComparison.Ordinal)
            .Replace(@"\?", "[^/]", StringComparison.Ordinal).Replace(@"\[", "[", StringComparison.Ordinal)
                .Replace(@"\]", "]", StringComparison.Ordinal);
        var regex = new System.Text.RegularExpressions.Regex($"^{rest}$", System.Text.RegularExpressions.RegexOptions.CultureInvariant);
        return Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .Where(file => regex.IsMatch(Path.GetRelativePath(root, file).Replace('\\', '/')))
            .Select(file => slash < 0 ? Path.GetRelativePath(root, file) : file)
            .Order(StringComparer.Ordinal);
    }
}

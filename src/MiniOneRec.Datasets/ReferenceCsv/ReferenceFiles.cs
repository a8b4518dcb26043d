using System.Text.RegularExpressions;

namespace MiniOneRec.Datasets;

/// <summary>The files of one data set in the reference layout.</summary>
/// <param name="Items"><c>index/{name}.item.json</c>.</param>
/// <param name="Index"><c>index/{name}.index.json</c>.</param>
/// <param name="Info"><c>info/{name}*.txt</c>, or <see langword="null"/> where there is none.</param>
/// <param name="Train"><c>train/{name}*.csv</c>.</param>
/// <param name="Validation"><c>valid/{name}*.csv</c>.</param>
/// <param name="Test"><c>test/{name}*.csv</c>.</param>
internal sealed record ReferenceFiles(string Items, string Index, string? Info, string Train, string Validation, string Test)
{
    /// <summary>Finds the files of a data set; names may carry a core size and dates, as in
    /// <c>Office_Products_5_2016-10-2018-11.csv</c>.</summary>
    /// <param name="directory">The folder that holds <c>index</c>, <c>info</c>, <c>train</c>, <c>valid</c> and <c>test</c>.</param>
    /// <param name="name">The data set's name, for example <c>Office_Products</c>.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="FileNotFoundException">A file is missing; the message says what was looked for and which data sets are
    /// there.</exception>
    /// <exception cref="InvalidDataException">Several files fit.</exception>
    public static ReferenceFiles Find(string directory, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (!Directory.Exists(directory))
        {
            throw new DirectoryNotFoundException(
                $"Data folder '{directory}' does not exist; expected one with index, info, train, valid and test.");
        }

        return new ReferenceFiles(
            Single(directory, "index", name, ".item.json"),
            Single(directory, "index", name, ".index.json"),
            Matches(directory, "info", name, ".txt") is [] ? null : Single(directory, "info", name, ".txt"),
            Single(directory, "train", name, ".csv"),
            Single(directory, "valid", name, ".csv"),
            Single(directory, "test", name, ".csv"));
    }

    private static string Single(string directory, string folder, string name, string extension) =>
        Matches(directory, folder, name, extension) switch
    {
        [var path] => path,
        [] => throw new FileNotFoundException(
            $"No file '{name}{extension}' or '{name}_5_…{extension}' in '{Path.Combine(directory, folder)}'; {Known(directory)}.",
            Path.Combine(directory, folder, name + extension)),
        var several => throw new InvalidDataException($"Several files fit '{name}' in '{Path.Combine(directory, folder)}': "
            + $"{string.Join(", ", several.Select(Path.GetFileName))}; expected one."),
    };

    private static string[] Matches(string directory, string folder, string name, string extension)
    {
        string path = Path.Combine(directory, folder);
        var pattern = new Regex($"^{Regex.Escape(name)}(_[0-9][^/]*)?{Regex.Escape(extension)}$", RegexOptions.CultureInvariant);
        return Directory.Exists(path)
            ? [.. Directory.EnumerateFiles(path).Where(file => pattern.IsMatch(Path.GetFileName(file))).Order(StringComparer.Ordinal)]
            : [];
    }

    private static string Known(string directory)
    {
        const string Extension = ".item.json";
        string path = Path.Combine(directory, "index");
        string[] names = !Directory.Exists(path) ? [] : [.. Directory.EnumerateFiles(path, "*" + Extension).Order(StringComparer.Ordinal)
            .Select(file => $"'{Path.GetFileName(file)[..^Extension.Length]}'")];
        return names.Length == 0 ? "no data set is there" : $"data sets there are {string.Join(", ", names)}";
    }
}

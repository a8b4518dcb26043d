using System.Text.RegularExpressions;

namespace MiniOneRec.IntegrationTests;

/// <summary>The repository's own files, without what builds and fixtures hold.</summary>
internal static partial class RepositoryFiles
{
    private static readonly string[] Folders = ["docs", "src", "samples", "benchmarks", "tests"];

    /// <summary>Finds files below the folders of the repository.</summary>
    /// <param name="pattern">A file name with wildcards.</param>
    /// <returns>Full paths with slashes.</returns>
    public static IEnumerable<string> Find(string pattern) => Folders
        .Select(folder => Path.Combine(TestData.Root, folder))
        .Where(Directory.Exists)
        .SelectMany(folder => Directory.GetFiles(folder, pattern, SearchOption.AllDirectories))
        .Select(path => path.Replace('\\', '/'))
        .Where(path => !path.Contains("/bin/", StringComparison.Ordinal) && !path.Contains("/obj/", StringComparison.Ordinal)
            && !path.Contains("/Fixtures/", StringComparison.Ordinal));

    /// <summary>Finds the pages, those at the root too.</summary>
    public static IEnumerable<string> Pages() =>
        Directory.GetFiles(TestData.Root, "*.md").Select(path => path.Replace('\\', '/')).Concat(Find("*.md"));

    /// <summary>Gets the C# programs that a page shows.</summary>
    /// <param name="text">The page.</param>
    public static IEnumerable<string> Programs(string text) => Program().Matches(text).Select(match => match.Groups[1].Value);

    /// <summary>Gets a path relative to the root, with slashes.</summary>
    public static string Name(string path) => Path.GetRelativePath(TestData.Root, path).Replace('\\', '/');

    [GeneratedRegex(@"^```(?:csharp|cs)\r?\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Program();
}

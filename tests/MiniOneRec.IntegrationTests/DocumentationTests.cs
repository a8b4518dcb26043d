using System.Text.RegularExpressions;

namespace MiniOneRec.IntegrationTests;

/// <summary>What the pages show is what compiles, and what they link to exists.</summary>
public sealed partial class DocumentationTests
{
    public static TheoryData<string> Pages() => [.. RepositoryFiles.Pages().Select(RepositoryFiles.Name).Order(StringComparer.Ordinal)];

    [Fact]
    public void Readme_HasAProgram() =>
        Assert.NotEmpty(RepositoryFiles.Programs(File.ReadAllText(Path.Combine(TestData.Root, "README.md"))));

    [Theory]
    [MemberData(nameof(Pages))]
    public void CodeBlocks_StandInACompiledFile(string page)
    {
        // Any test, sample or benchmark, line by line without indentation.
        var sources = RepositoryFiles.Find("*.cs")
            .Where(path => !path.Contains("/src/", StringComparison.Ordinal))
            .Select(path => Lines(File.ReadAllText(path)))
            .ToArray();

        foreach (string block in RepositoryFiles.Programs(File.ReadAllText(Path.Combine(TestData.Root, page))))
        {
            string[] lines = Lines(block);
            string[] usings = [.. lines.TakeWhile(IsUsing)], body = lines[usings.Length..];

            Assert.True(
                sources.Any(source => usings.All(source.Contains) && Contains(source, body)),
                $"{page}: this block stands in no compiled file of tests, samples or benchmarks:\n{block}");
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void RelativeLinks_Exist(string page)
    {
        string folder = Path.GetDirectoryName(Path.Combine(TestData.Root, page))!;
        foreach (Match link in Link().Matches(File.ReadAllText(Path.Combine(TestData.Root, page))))
        {
            string target = link.Groups[1].Value;
            string path = Path.Combine(folder, target);

            Assert.True(File.Exists(path) || Directory.Exists(path), $"{page} links to '{target}', which does not exist.");
        }
    }

    private static string[] Lines(string text) => [.. text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)];

    private static bool IsUsing(string line) => line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';')
        && !line.Contains('=', StringComparison.Ordinal);

    private static bool Contains(string[] source, string[] block) =>
        Enumerable.Range(0, Math.Max(0, source.Length - block.Length + 1))
            .Any(start => source.AsSpan(start, block.Length).SequenceEqual(block));

    // [text](target#anchor) without a scheme.
    [GeneratedRegex(@"\]\((?![a-z]+:|#)([^)#\s]+)(?:#[^)]*)?\)")]
    private static partial Regex Link();
}

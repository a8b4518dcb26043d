using Xunit;

namespace MiniOneRec.Tests;

/// <summary>Compares the C# of a package's README with the compiled region <c>README</c> of a test.</summary>
internal static class Snippets
{
    public static void AssertReadme(string package, string testFile)
    {
        string[] test = File.ReadAllLines(Path.Combine(TestData.Root, testFile));
        int start = Array.FindIndex(test, line => line.Trim() == "#region README"),
            end = Array.FindIndex(test, start, line => line.Trim() == "#endregion");
        int indent = test[start].Length - test[start].TrimStart().Length;
        var compiled = test[(start + 1)..end].Select(line => line.Length > indent ? line[indent..] : line.Trim());

        string[] readme = File.ReadAllLines(Path.Combine(TestData.Root, "src", package, "README.md"));
        int open = Array.IndexOf(readme, "```csharp"), close = Array.IndexOf(readme, "```", open);

        Assert.Equal(compiled, readme[(open + 1)..close]);
    }
}

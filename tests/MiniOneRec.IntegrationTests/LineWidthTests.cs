using System.Text.RegularExpressions;

namespace MiniOneRec.IntegrationTests;

/// <summary>Lines of C# have at most 140 columns.</summary>
/// <remarks>
/// Two kinds of lines are exempt. Raw string literals hold texts that are read as they stand, such as SQL and JSON. Programs that a page
/// shows stand in the page line by line, where they scroll.
/// </remarks>
public sealed partial class LineWidthTests
{
    private const int Limit = 140;

    [Fact]
    public void Lines_HaveAtMost140Columns()
    {
        var shown = Shown(RepositoryFiles.Pages().Select(File.ReadAllText));
        string[] wide = [.. RepositoryFiles.Find("*.cs")
            .SelectMany(path => Wide(File.ReadAllText(path), shown)
                .Select(line => $"{RepositoryFiles.Name(path)}:{line.Number} has {line.Columns} columns"))
            .Order(StringComparer.Ordinal)];

        Assert.True(wide.Length == 0, $"Lines of more than {Limit} columns:\n{string.Join('\n', wide)}");
    }

    [Fact]
    public void Wide_ALineOf141Columns_IsFound()
    {
        string narrow = "int a;" + new string(' ', Limit - 6);

        Assert.Equal([(2, Limit + 1)], Wide($"{narrow}\n{narrow}+\n", []));
        Assert.Equal([(1, Limit + 1)], Wide($"{narrow}+\r\n", []));
        Assert.Empty(Wide(narrow, []));
    }

    [Theory]
    [InlineData("a = \"\"\"", "\"\"\";", true)]
    [InlineData("a = $\"\"\"\n", "\n\"\"\";", true)]
    [InlineData("a = $$\"\"\"\"\n \"\"\" ", "\"\"\"\";", true)]
    [InlineData("a = \"", "\";", false)]
    [InlineData("a = @\"\"\"", "\"\"\";", false)]
    [InlineData("// a = \"\"\"\n", "", false)]
    [InlineData("/* \"\"\" */\n", "", false)]
    [InlineData("a = '\"'; b = \"\\\"\"; c = \"", "\";", false)]
    [InlineData("a = \"\"\"b\"\"\";\n", "", false)]
    public void Wide_InARawStringLiteral_IsExempt(string before, string after, bool exempt) =>
        Assert.Equal(exempt, !Wide(before + new string('x', Limit + 1) + after, []).Any());

    [Fact]
    public void Wide_ShownByAPage_IsExempt()
    {
        string program = $"Show(\"{new string('x', Limit)}\");";
        var shown = Shown([$"# Page\n\n```csharp\nint a = 1;\n    {program}\n```\n"]);

        Assert.Empty(Wide($"        {program}\n", shown));
        Assert.NotEmpty(Wide($"        {program} // more\n", shown));
    }

    private static HashSet<string> Shown(IEnumerable<string> pages) => pages
        .SelectMany(RepositoryFiles.Programs)
        .SelectMany(program => program.Split('\n'))
        .Select(line => line.Trim())
        .ToHashSet(StringComparer.Ordinal);

    private static IEnumerable<(int Number, int Columns)> Wide(string text, HashSet<string> shown)
    {
        (int Start, int End)[] literals =
            [.. Token().Matches(text).Where(match => match.Groups["raw"].Success)
                .Select(match => (match.Index, match.Index + match.Length))];
        int start = 0;
        foreach (var (number, whole) in text.Split('\n').Index())
        {
            string line = whole.TrimEnd('\r');
            int end = start + line.Length, from = start;
            start += whole.Length + 1;
            if (line.Length > Limit && !shown.Contains(line.Trim()) && !literals.Any(literal => literal.Start < end && literal.End > from))
            {
                yield return (number + 1, line.Length);
            }
        }
    }

    // Comments, raw, verbatim and other string literals, characters: whatever could hide or seem the start of a raw string literal.
    [GeneratedRegex("""
        //[^\n]*
        | /\*.*?\*/
        | \$*(?<raw>"{3,})(?!").*?(?<!")\k<raw>"*
        | (?:\$@|@\$|@)"(?:[^"]|"")*"
        | \$?"(?:\\.|[^"\\\n])*"
        | '(?:\\[^\n]+?|[^'\\\n])'
        """, RegexOptions.Singleline | RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture)]
    private static partial Regex Token();
}

using System.Text;
using FsCheck.Xunit;

namespace MiniOneRec.Datasets.Tests;

public sealed class PythonLiteralTests
{
    [Theory]
    [InlineData("[]", new string[0])]
    [InlineData(" [ ] ", new string[0])]
    [InlineData("[3437, 642]", new[] { "3437", "642" })]
    [InlineData("[-1,2,]", new[] { "-1", "2" })]
    [InlineData("['a', \"b\"]", new[] { "a", "b" })]
    [InlineData("[\"it's\", 'say \"hi\"']", new[] { "it's", "say \"hi\"" })]
    [InlineData(@"['it\'s', ""a\""b""]", new[] { "it's", "a\"b" })]
    [InlineData(@"['back\\slash', 'a\nb\tc\rd']", new[] { @"back\slash", "a\nb\tc\rd" })]
    [InlineData(@"['\x41\u00e9\U0001f600']", new[] { "Aé😀" })]
    [InlineData(@"['\ud83d\ude00']", new[] { "😀" })]
    [InlineData("['é, ]', '']", new[] { "é, ]", "" })]
    [InlineData("['__import__(\"os\")']", new[] { "__import__(\"os\")" })]
    public void ParseList_Literal_IsRead(string text, string[] expected) => Assert.Equal(expected, PythonLiteral.ParseList(text));

    [Theory]
    [InlineData("", 1, "'['")]
    [InlineData("abc", 1, "'['")]
    [InlineData("[", 2, "']'")]
    [InlineData("[1", 3, "',' or ']'")]
    [InlineData("['a' 'b']", 6, "',' or ']'")]
    [InlineData("['a", 4, "closing '")]
    [InlineData("['a\nb']", 4, "closing '")]
    [InlineData("[__import__('os').system('rm')]", 2, "a quoted string")]
    [InlineData("[[1]]", 2, "a quoted string")]
    [InlineData("[None]", 2, "a quoted string")]
    [InlineData("[1.5]", 3, "',' or ']'")]
    [InlineData("[1] + [2]", 5, "nothing after")]
    [InlineData(@"['\q']", 4, "escapes")]
    [InlineData(@"['\x4']", 5, "2 hexadecimal")]
    [InlineData(@"['\U99999999']", 5, "8 hexadecimal")]
    [InlineData("[-]", 3, "an integer")]
    public void ParseList_NoLiteral_SaysWhereAndWhat(string text, int position, string expected)
    {
        var error = Assert.Throws<FormatException>(() => PythonLiteral.ParseList(text));

        Assert.Contains($"character {position} ", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Property]
    public bool ParseList_PrintedList_RoundTrips(string?[] items)
    {
        // Unpaired surrogates have no printed form.
        string[] texts = [.. items.Select(item => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(item ?? "")))];
        return PythonLiteral.ParseList(PythonText.Print(texts)).SequenceEqual(texts);
    }
}

using System.Text.RegularExpressions;

namespace MiniOneRec.Pretrained.Tests.Tokenizers;

public sealed class TextSplitterTests
{
    [Theory]
    [InlineData("a\U0001D400b c", new[] { "a\U0001D400b", " c" })]                              // mathematical letters are letters
    [InlineData("\U00020000\U00020001, x", new[] { "\U00020000\U00020001", ",", " x" })]         // so are rare ideographs
    [InlineData("\U0001D7CE\U0001D7CF", new[] { "\U0001D7CE", "\U0001D7CF" })]                   // mathematical digits are cut one by one
    [InlineData("x\U0001F600\U0001F600 y", new[] { "x", "\U0001F600\U0001F600", " y" })]
    [InlineData("it's  10\n", new[] { "it", "'s", " ", " ", "1", "0", "\n" })]
    public void Split_QwenPattern_SeesCodePoints(string text, string[] expected)
    {
        Assert.Equal(expected, Split(text, new PatternRule(new Regex(ToyTokenizer.QwenPattern), SplitBehavior.Isolated, false)));
    }

    [Theory]
    [InlineData("Isolated", new[] { "the", "-", "final", "-", "-", "countdown" })]
    [InlineData("Removed", new[] { "the", "final", "countdown" })]
    [InlineData("MergedWithPrevious", new[] { "the-", "final-", "-", "countdown" })]
    [InlineData("MergedWithNext", new[] { "the", "-final", "-", "-countdown" })]
    [InlineData("Contiguous", new[] { "the", "-", "final", "--", "countdown" })]
    public void Split_Behaviors_TreatMatchesAsDocumented(string behavior, string[] expected)
    {
        Assert.Equal(expected, Split("the-final--countdown", new PatternRule(new Regex("-"), Enum.Parse<SplitBehavior>(behavior), false)));
    }

    [Fact]
    public void Split_Inverted_MatchesWhatLiesBetween()
    {
        Assert.Equal(["ab", "cd"], Split("ab--cd", new PatternRule(new Regex("[a-z]+"), SplitBehavior.Removed, true)));
    }

    [Theory]
    [InlineData(true, new[] { "a", "1", "2", "b", "\u00BC" })]
    [InlineData(false, new[] { "a", "12", "b", "\u00BC" })]
    public void Split_Digits_AreCutOff(bool individual, string[] expected)
    {
        Assert.Equal(expected, Split("a12b\u00BC", new DigitRule(individual)));
    }

    private static string[] Split(string text, params SplitRule[] rules)
    {
        var pieces = new List<Range>();
        new TextSplitter(rules).Split(text, pieces);
        return [.. pieces.Select(piece => text[piece])];
    }
}

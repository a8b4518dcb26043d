namespace MiniOneRec.Abstractions.Tests;

public sealed class SemanticIdTests
{
    [Theory]
    [InlineData("<a_0>", new[] { 0 })]
    [InlineData("<a_12><b_7><c_240>", new[] { 12, 7, 240 })]
    public void Parse_Text_RoundTrips(string text, int[] codes)
    {
        var id = SemanticId.Parse(text);

        Assert.Equal(codes, id.Codes.ToArray());
        Assert.Equal(text, id.ToString());
        Assert.Equal(id, new SemanticId(codes));
        Assert.Equal(id.GetHashCode(), new SemanticId(codes).GetHashCode());
    }

    [Theory]
    [InlineData("")]
    [InlineData("<b_1>")]
    [InlineData("<a_1><c_2>")]
    [InlineData("<a_-1>")]
    [InlineData("<a_1")]
    [InlineData("<a_1> <b_2>")]
    [InlineData("<a_99999999999>")]
    public void Parse_BadText_IsRefusedWithTheText(string text)
    {
        var error = Assert.Throws<FormatException>(() => SemanticId.Parse(text));

        Assert.Contains($"'{text}'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Compare_Prefix_ComesFirst()
    {
        Assert.True(new SemanticId(1, 2) < new SemanticId(1, 2, 0));
        Assert.True(new SemanticId(1, 3) > new SemanticId(1, 2, 9));
        Assert.Throws<ArgumentException>(() => new SemanticId());
        Assert.Throws<ArgumentException>(() => new SemanticId(1, -1));
    }
}

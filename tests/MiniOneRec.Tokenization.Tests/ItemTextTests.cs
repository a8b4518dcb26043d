namespace MiniOneRec.Tokenization.Tests;

public class ItemTextTests
{
    [Theory]
    [InlineData("  a\t\nb ", "a b")]
    [InlineData("3&quot; pipe &amp;amp; fitting", "3\" pipe & fitting")]
    [InlineData("<b>Strong</b><br/>text<!-- note -->", "Strong text")]
    [InlineData("x < 5 and y > 3", "x < 5 and y > 3")]
    [InlineData("<script type=\"a\">var x = 1;</script>Lamp", "Lamp")]
    [InlineData("cafe\u0301", "caf\u00e9")]
    [InlineData("", "")]
    public void Clean_RawText_FollowsOneRule(string raw, string expected) => Assert.Equal(expected, ItemText.Clean(raw));

    [Fact]
    public void Describe_AllFields_AreSentencesInOrder()
    {
        var item = new Item { Id = "1", Title = "Tent", Brand = "Nord", Categories = ["Outdoor", " Camping "],
            Description = "Stands <i>alone</i>!" };

        Assert.Equal("Tent. Nord. Outdoor, Camping. Stands alone!", ItemText.Describe(item));
        Assert.Equal("", ItemText.Describe(new Item { Id = "2" }));
    }

    [Fact]
    public void Describe_LongDescription_IsKept()
    {
        var item = new Item { Id = "1", Title = "Tent", Description = string.Concat(Enumerable.Repeat("word ", 1000)) };

        Assert.True(ItemText.Describe(item).Length > 4900);
    }

    [Theory]
    [InlineData("one two  three", 2, "one two")]
    [InlineData("one two", 2, "one two")]
    [InlineData("  one two", 1, "  one")]
    public void Truncate_ManyWords_KeepsTheFirst(string text, int words, string expected) =>
        Assert.Equal(expected, ItemText.Truncate(text, words));
}

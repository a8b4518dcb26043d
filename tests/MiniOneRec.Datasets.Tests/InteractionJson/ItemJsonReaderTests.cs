namespace MiniOneRec.Datasets.Tests;

public sealed class ItemJsonReaderTests
{
    [Theory]
    [InlineData("\"plain text\"", "plain text")]
    [InlineData("\"['First.', \\\"It's second.\\\"]\"", "First. It's second.")]
    [InlineData("[\"One.\", \"Two.\"]", "One. Two.")]
    [InlineData("\"[draft] not a list\"", "[draft] not a list")]
    [InlineData("\"['ideal red ? \\\\n\\\"#3776\\\" is', 'it\\\\'s one', ]\"", "ideal red ? \n\"#3776\" is it's one")]
    [InlineData("\"[\\\"a \\\"b\\\" c\\\", 'd']\"", "a \"b\" c d")]
    [InlineData("\"[]\"", null)]
    [InlineData("\"\"", null)]
    [InlineData("null", null)]
    public async Task Read_Description_IsJoinedText(string json, string? expected)
    {
        using var folder = new TempFolder();

        var item = await ItemJsonReader.ReadAsync(folder.File("x.item.json", $$$"""{"7": {"title": "T", "description": {{{json}}}}}""")).SingleAsync();

        Assert.Equal(("7", "T"), (item.Id, item.Title));
        Assert.Equal(expected, item.Description);
    }

    [Theory]
    [InlineData("\"\"", new string[0])]
    [InlineData("\"Office & School, Pens\"", new[] { "Office & School, Pens" })]
    [InlineData("\"['Office', 'Pens']\"", new[] { "Office", "Pens" })]
    [InlineData("[[\"Office\", \"Pens\"]]", new[] { "Office", "Pens" })]
    public async Task Read_Categories_AreAList(string json, string[] expected)
    {
        using var folder = new TempFolder();

        var item = await ItemJsonReader.ReadAsync(folder.File("x.item.json", $$$"""{"7": {"categories": {{{json}}}, "price": 3}}""")).SingleAsync();

        Assert.Equal(expected, item.Categories);
        Assert.Equal("", item.Title);
    }

    [Theory]
    [InlineData("{\"0\": {\"title\": \"a\"},\n\"1\": \"b\"}", "line 2, column '1': String '\"b\"'; expected an object")]
    [InlineData("{\"0\": {\"title\": 5}}", "line 1, column 'title': Number '5'; expected a string")]
    public async Task Read_BadItem_NamesFileLineAndKey(string text, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.File("x.item.json", text);

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () => await ItemJsonReader.ReadAsync(path).ToListAsync());

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}

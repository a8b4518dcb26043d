namespace MiniOneRec.Datasets.Tests;

public sealed class SteamReaderTests
{
    private const string Review =
        "{u'username': u'Chaos \"Syren\"', u'hours': 0.1, u'products': 41, u'product_id': u'725280', u'date': u'2017-12-17', u'text': "
        + "u\"it's \\xe9\", u'early_access': False}\n";

    [Fact]
    public async Task ReadReviews_PrintedDictionaries_GiveInteractions()
    {
        using var folder = new TempFolder();
        string path =
            folder.File("steam_reviews.json", Review + "{'username': 'x', 'product_id': 7, 'date': '1970-01-02', 'page': None}\n");

        var reviews = await SteamReader.ReadReviewsAsync(path).ToListAsync();

        Assert.Equal(new Interaction("Chaos \"Syren\"", "725280") { Timestamp = 1513468800, Weight = 0.1 }, reviews[0]);
        Assert.Equal(new Interaction("x", "7") { Timestamp = 86400 }, reviews[1]);
    }

    [Fact]
    public async Task ReadItems_GamesWithAndWithoutId_GiveThoseWithOne()
    {
        using var folder = new TempFolder();
        string path = folder.File("steam_games.json",
            "{u'publisher': u'Kotoshiro', u'genres': [u'Action', u'Indie'], u'app_name': u'Lost', u'id': u'761140', "
            + "u'price': 4.99}\n{u'title': u'No id'}\n");

        var game = Assert.Single(await SteamReader.ReadItemsAsync(path).ToListAsync());

        Assert.Equal(("761140", "Lost", "Kotoshiro"), (game.Id, game.Title, game.Brand));
        Assert.Equal(["Action", "Indie"], game.Categories);
        Assert.Equal(4.99, game.Number("price"));
    }

    [Theory]
    [InlineData("{'username': 'x', 'product_id': open('f'), 'date': ''}", "line 1: ", "no dictionary literal at character 33 ('o')")]
    [InlineData("{'username': 'x', 'product_id': '1', 'date': 'today'}", "column 'date': 'today' is no day", "2017-12-17")]
    [InlineData("{'username': 'x', 'product_id': '1'", "no such dictionary", "the end")]
    [InlineData("{'product_id': '1', 'date': '2017-12-17'}", "column 'username'", "missing or empty")]
    public async Task ReadReviews_BadLine_SaysWhereAndWhatWasExpected(string line, params string[] parts)
    {
        using var folder = new TempFolder();
        string path = folder.File("steam.json", line + "\n");

        var e = await Assert.ThrowsAsync<InvalidDataException>(async () => await SteamReader.ReadReviewsAsync(path).ToListAsync());

        Assert.All(parts, part => Assert.Contains(part, e.Message));
        Assert.Contains(path, e.Message);
    }
}

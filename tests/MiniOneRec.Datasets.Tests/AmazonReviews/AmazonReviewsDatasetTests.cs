using System.Globalization;
using System.Text;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Datasets.Tests;

public sealed class AmazonReviewsDatasetTests
{
    private const string Metadata2018 = """
        {"asin": "A", "title": "Fine &amp; small", "description": ["Part one.", "Part two."], "brand": "Acme", "category": ["Tools", "Saws"]}
        {"asin": "B", "title": " \"Quoted&quot; ", "description": "", "brand": ""}
        {"asin": "C", "title": "<span id=x>broken</span>"}
        {"asin": "D"}
        """;

    [Fact]
    public async Task Load_2018_KeepsUsableItemsInTheOrderOfTime()
    {
        using var folder = new TempFolder();
        string reviews = folder.File("Toys_5.json",
            Reviews2018(("u2", "B", 30), ("u1", "A", 20), ("u1", "C", 15), ("u1", "B", 10), ("u1", "A", 20), ("u2", "D", 5)));

        var data = await AmazonReviewsDataset.LoadAsync(
            reviews, folder.File("meta_Toys.json", Metadata2018), new AmazonReviewsOptions { MinPerUser = 1, MinPerItem = 1 });

        Assert.Equal("Toys_5", data.Name);
        Assert.Equal(["u2:B", "u1:BAA"], Show(data));
        Assert.Equal([10L, 20, 20], data.Sequences[1].Timestamps!);
        Assert.Equal(2, data.SkippedInteractions);
        Assert.Equal(["Quoted", "Fine & small"], data.Items.Select(item => item.Title));
        Assert.Equal(("Part one. Part two.", "Acme"), (data.Items[1].Description, data.Items[1].Brand));
        Assert.Equal(["Tools", "Saws"], data.Items[1].Categories);
    }

    [Fact]
    public async Task Load_2023_ReadsItsFieldsAndMilliseconds()
    {
        using var folder = new TempFolder();
        string reviews = folder.File("r.jsonl", """{"user_id": "u", "parent_asin": "A", "timestamp": 1588615855070}""");
        string metadata = folder.File("m.jsonl", """{"parent_asin": "A", "title": "Thing", "store": "Shop", "categories": ["X", "Y"], "description": []}""");

        var data = await AmazonReviewsDataset.LoadAsync(
            reviews, metadata, new AmazonReviewsOptions { Format = AmazonReviewsFormat.V2023, MinPerUser = 1, MinPerItem = 1 });

        Assert.Equal([1588615855L], data.Sequences.Single().Timestamps!);
        Assert.Equal(("Thing", "Shop", null), (data.Items[0].Title, data.Items[0].Brand, data.Items[0].Description));
        Assert.Equal(["X", "Y"], data.Items[0].Categories);
    }

    [Fact]
    public async Task Load_Window_IsInclusiveInUtcAndGrowsByYears()
    {
        using var folder = new TempFolder();
        string metadata = folder.File("m.json", Metadata2018);
        string reviews = folder.File("r.json", Reviews2018(
            ("u", "A", Utc(2016, 10, 1)), ("u", "B", Utc(2016, 10, 1) - 1), ("u", "B", Utc(2018, 11, 1)),
            ("u", "A", Utc(2018, 11, 1) + 1)));
        var options = new AmazonReviewsOptions { Start = new(2016, 10, 1), End = new(2018, 11, 1), MinPerUser = 1, MinPerItem = 1 };

        Assert.Equal(["u:AB"], Show(await AmazonReviewsDataset.LoadAsync(reviews, metadata, options)));

        options.MinItems = 3;      // never reached: the start goes back to 1996 and stays
        Assert.Equal(["u:BAB"], Show(await AmazonReviewsDataset.LoadAsync(reviews, metadata, options)));
    }

    [Fact]
    public async Task Load_KCore_RemovesRareUsersAndItems()
    {
        using var folder = new TempFolder();
        string reviews = folder.File("r.json", Reviews2018(("u", "A", 1), ("u", "A", 2), ("v", "A", 3), ("v", "B", 4)));
        string metadata = folder.File("m.json", Metadata2018);

        var data = await AmazonReviewsDataset.LoadAsync(reviews, metadata, new AmazonReviewsOptions { MinPerUser = 2, MinPerItem = 2 });

        Assert.Equal(["u:AA"], Show(data));
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => AmazonReviewsDataset.LoadAsync(reviews, metadata));
        Assert.Contains($"'{reviews}': none of 4 reviews remains", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("T", null)]
    [InlineData("", null)]
    [InlineData("a b c d", null)]
    [InlineData("a b  c", null)]
    [InlineData("a b c", "a b c")]
    [InlineData(" \"a &amp; b\" ", "a & b")]
    [InlineData("x<span id=\"t\">y", null)]
    public void CleanTitle_ThreeWords_FollowsTheRules(string title, string? expected) =>
        Assert.Equal(expected, AmazonReviewsDataset.CleanTitle(title, 3));

    [Theory]
    [InlineData("not json\n", "line 1: 'not json' is no JSON object")]
    [InlineData("[1]\n", "line 1: '[1]' is no JSON object")]
    [InlineData("{\"reviewerID\": \"u\", \"asin\": \"A\", \"unixReviewTime\": 5}\n{\"reviewerID\": \"u\", \"unixReviewTime\": 5}\n",
        "line 2, column 'asin': the id is missing")]
    [InlineData("{\"reviewerID\": \"u\", \"asin\": \"A\", \"unixReviewTime\": \"5\"}\n",
        "line 1, column 'unixReviewTime': the time is missing; expected an integer, Unix seconds")]
    public async Task ReadReviews_BadLine_NamesFileLineAndKey(string text, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.File("r.json", text);

        var error = await Assert.ThrowsAsync<InvalidDataException>(
            async () => await AmazonReviewsReader.ReadReviewsAsync(path, AmazonReviewsFormat.V2018).ToListAsync());

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_BadOptions_NamesEveryBrokenRule()
    {
        var options = new AmazonReviewsOptions { MinPerUser = 0, MinPerItem = 0, Start = new(2018, 1, 1), End = new(2017, 1, 1) };

        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => AmazonReviewsDataset.LoadAsync("r", "m", options));

        Assert.All(["MinPerUser", "MinPerItem", "End (2017-01-01) must not be before Start (2018-01-01)"],
            text => Assert.Contains(text, error.Message, StringComparison.Ordinal));
    }

    private static long Utc(int year, int month, int day) =>
        new DateTimeOffset(year, month, day, 0, 0, 0, TimeSpan.Zero).ToUnixTimeSeconds();

    private static string Reviews2018(params (string User, string Item, long Time)[] reviews)
    {
        var text = new StringBuilder();
        foreach (var (user, item, time) in reviews)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $$"""{"reviewerID": "{{user}}", "asin": "{{item}}", "overall": 5.0, "unixReviewTime": {{time}}}""");
        }

        return text.ToString();
    }

    private static IEnumerable<string> Show(InteractionDataset data) =>
        data.Sequences.Select(s => $"{s.UserId}:{string.Concat(s.ItemIds)}");
}

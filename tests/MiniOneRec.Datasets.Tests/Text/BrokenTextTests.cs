using System.IO.Compression;
using System.Text;

namespace MiniOneRec.Datasets.Tests;

/// <summary>Half a surrogate pair, bytes that are no UTF-8, NUL and byte order marks, in every reader.</summary>
public sealed class BrokenTextTests
{
    [Theory]
    [InlineData("""{"0":{"title":"a \ud83d"},"1":{"title":"ok"}}""", "0=a \uFFFD", "1=ok")]
    [InlineData("""{"0":{"title":"\ude00\ud83d\ude00\ud83d"}}""", "0=\uFFFD\U0001F600\uFFFD")]
    [InlineData("""{"x\ud83d":{"title":"a\u0000b", "\udc00": 1, "\ud800k": {"\udfff": []}}}""", "x\uFFFD=a\uFFFDb")]
    [InlineData("""{"0":{"title":"['a \\ud83d', 'b']"}}""", "0=a \uFFFD b")]
    [InlineData("""{"0":{"title":"\\ud83d"}}""", "0=\\ud83d")]
    [InlineData("\uFEFF{\"0\":{\"title\":\"t\"}}", "0=t")]
    public async Task ItemJson_IsReadWithTheReplacementCharacter(string json, params string[] expected)
    {
        using var folder = new TempFolder();

        var items = await ItemJsonReader.ReadAsync(folder.File("x.item.json", json)).ToListAsync();

        Assert.Equal(expected, items.Select(item => $"{item.Id}={item.Title}"));
    }

    [Fact]
    public async Task ItemJson_ManyBrokenTitles_AreRepairedAcrossBuffers()
    {
        using var folder = new TempFolder();
        string json = "{" + string.Join(",", Enumerable.Range(0, 20_000).Select(i => $$"""{{"\n"}}"{{i}}":{"title":"é{{new string('x', i % 7)}}\ud83d"}""")) + "}";

        var items = await ItemJsonReader.ReadAsync(folder.File("x.item.json", json)).ToListAsync();

        Assert.Equal(20_000, items.Count);
        Assert.All(items, item => Assert.Equal("é" + new string('x', int.Parse(item.Id, null) % 7) + "\uFFFD", item.Title));
    }

    [Fact]
    public async Task ItemJson_KeysThatBecomeEqual_AreADuplicate()
    {
        using var folder = new TempFolder();
        string path = folder.File("x.item.json", "{\"a\\ud83d\": {},\n\"a\\ud83e\": {}}");

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () => await ItemJsonReader.ReadAsync(path).ToListAsync());

        Assert.Contains($"File '{path}', line 2, column 'a\uFFFD': the key was already on line 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task InterJson_BrokenIds_AreRead()
    {
        using var folder = new TempFolder();

        var sequence = await InterJsonReader.ReadAsync(folder.File("x.inter.json", """{"u\ud83d": ["a\ud83d", 1]}""")).SingleAsync();

        Assert.Equal("u\uFFFD:a\uFFFD,1", $"{sequence.UserId}:{string.Join(',', sequence.ItemIds)}");
    }

    [Fact]
    public async Task Amazon_BrokenText_IsRead()
    {
        using var folder = new TempFolder();
        string meta = folder.File("meta.json",
            "{\"asin\":\"B0\",\"title\":\"cut \\ud83d\", \"\\ud83d\": 1}\n\uFEFF{\"asin\":\"B\\ud83d\",\"title\":\"a\"}\n");
        string reviews =
            folder.File("reviews.json", "{\"reviewerID\":\"u\\ud83d\",\"asin\":\"B0\",\"unixReviewTime\":5,\"summary\":\"\\ud83d\"}\n");

        var items = await AmazonReviewsReader.ReadItemsAsync(meta, AmazonReviewsFormat.V2018).ToListAsync();
        var review = await AmazonReviewsReader.ReadReviewsAsync(reviews, AmazonReviewsFormat.V2018).SingleAsync();

        Assert.Equal(["B0=cut \uFFFD", "B\uFFFD=a"], items.Select(item => $"{item.Id}={item.Title}"));
        Assert.Equal("u\uFFFD", review.UserId);
    }

    [Fact]
    public async Task InvalidUtf8AndNul_AreReadInEveryFormat()
    {
        using var folder = new TempFolder();
        string File(string name, string text)
        {
            string path = Path.Combine(folder.Path, name);
            // é is one byte, 0xE9, which begins no UTF-8 here
            System.IO.File.WriteAllBytes(path, Encoding.Latin1.GetBytes(text));
            return path;
        }

        string json = File("i.json", "{\"a\xE9\": [1, \"b\xFF\"]}"),
            csv = File("r.csv", "user_id,history_item_id,item_id,item_title\nu\xE9,\"['h\\ud83d']\",t\0,x\xFF\n");
        string text = File("s.txt", "u\xE9 a\0 b\n"), inter = File("x.inter", "user_id:token\titem_id:token\nu\xE9\ta\0\n"),
            info = File("info.txt", "<a_1>\tt\xE9\0\ti\n");

        var sequence = await InterJsonReader.ReadAsync(json).SingleAsync();
        var row = await ReferenceCsvReader.ReadAsync(csv).SingleAsync();
        var line = await SequenceTextReader.ReadAsync(text).SingleAsync();
        var interaction = await InterFileReader.ReadInteractionsAsync(inter).SingleAsync();
        var item = await InfoFileReader.ReadAsync(info).SingleAsync();

        Assert.Equal("a\uFFFD:1,b\uFFFD", $"{sequence.UserId}:{string.Join(',', sequence.ItemIds)}");
        Assert.Equal("u\uFFFD:h\uFFFD:t\uFFFD:x\uFFFD", $"{row.UserId}:{row.HistoryItemIds[0]}:{row.ItemId}:{row.Title}");
        Assert.Equal("u\uFFFD:a\uFFFD,b", $"{line.UserId}:{string.Join(',', line.ItemIds)}");
        Assert.Equal(new Interaction("u\uFFFD", "a\uFFFD"), interaction);
        Assert.Equal("t\uFFFD\uFFFD", item.Title);
    }

    [Fact]
    public async Task ByteOrderMarks_OfJoinedFiles_AreLeftOut()
    {
        using var folder = new TempFolder();

        var lines = await SequenceTextReader.ReadAsync(folder.File("s.txt", "\uFEFFu a\n\uFEFFv b\n")).ToListAsync();
        var rows = await ReferenceCsvReader.ReadAsync(folder.File("r.csv", "\uFEFF\uFEFFuser_id,history_item_id,item_id\nu,[],t\n"))
            .ToListAsync();

        Assert.Equal(["u", "v"], lines.Select(line => line.UserId));
        Assert.Equal("u", rows[0].UserId);
    }

    [Theory]
    [InlineData("""{"asin":"B0","title":"a","title":"b"}""", "title")]
    [InlineData("""{"asin":"B0","title":5}""", "column 'title': Number '5'; expected a string")]
    [InlineData("""{"asin":null,"title":"a"}""", "column 'asin': the id is 'null'; expected a string")]
    [InlineData("""{"asin":["B0"],"title":"a"}""", "column 'asin': the id is '[\"B0\"]'; expected a string")]
    [InlineData("""{"asin":"B0","category":[["a", 5]]}""", "column 'category': Number '5'; expected a string")]
    [InlineData("""{"asin":"B0","average_rating":1e400}""", "column 'average_rating': '1e400' is too large")]
    public async Task Amazon_WrongKinds_NameLineAndKey(string line, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.File("meta.json", "{\"asin\":\"A\",\"title\":null}\n" + line + "\n");

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () =>
            await AmazonReviewsReader.ReadItemsAsync(path, AmazonReviewsFormat.V2018).ToListAsync());

        Assert.Contains($"File '{path}', line 2", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"12\"", "column 'unixReviewTime': the time is missing; expected an integer, Unix seconds, not '\"12\"'")]
    [InlineData("1.5", "column 'unixReviewTime': the time is missing; expected an integer, Unix seconds, not '1.5'")]
    [InlineData("9223372036854775808",
        "column 'unixReviewTime': the time is missing; expected an integer, Unix seconds, not '9223372036854775808'")]
    [InlineData("1, \"overall\": \"five\"", "column 'overall': the rating is '\"five\"'")]
    public async Task Amazon_BadNumbers_NameLineAndKey(string time, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.File("reviews.json", $$"""{"reviewerID":"u","asin":"B0","unixReviewTime":{{time}}}""");

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () =>
            await AmazonReviewsReader.ReadReviewsAsync(path, AmazonReviewsFormat.V2018).ToListAsync());

        Assert.Contains($"File '{path}', line 1, {expected}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ItemJson_KeyTwiceInAnItem_NamesLineAndItem()
    {
        using var folder = new TempFolder();
        string path = folder.File("x.item.json", "{\"0\": {},\n\"1\": {\"title\": \"a\", \"title\": \"b\"}}");

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () => await ItemJsonReader.ReadAsync(path).ToListAsync());

        Assert.Contains($"File '{path}', line 2, column '1'", error.Message, StringComparison.Ordinal);
        Assert.Contains("title", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Csv_ColumnTwice_IsRefused()
    {
        using var folder = new TempFolder();
        string path = folder.File("r.csv", "user_id,item_id,history_item_id,item_id\nu,a,[],b\n");

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () => await ReferenceCsvReader.ReadAsync(path).ToListAsync());

        Assert.Contains($"File '{path}', line 1, column 'item_id'", error.Message, StringComparison.Ordinal);
    }
}

using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Modeling;
using MiniOneRec.Stores;
using TorchSharp;

namespace MiniOneRec.Cli.Tests;

public sealed class ServeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-serve-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Serve_AModel_AnswersUntilItIsStopped()
    {
        string model = Path.Combine(_folder, "shop"), settings = Path.Combine(_folder, "settings.json");
        var index = new SemanticIdIndex([new("a", new(0, 0)), new("b", new(0, 1)), new("c", new(1, 0))], [2, 2]);
        torch.random.manual_seed(1);
        var template = CompactTemplate.For(index);
        using (var made = new GenerativeRecommender(new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 1, 2)), index,
            template))
        {
            await made.SaveAsync(model);
        }

        await File.WriteAllTextAsync(settings, """{"Recommender": {"BeamWidth": 3}, "Serving": {"MaxCount": 2}}""");
        using var stop = new CancellationTokenSource();
        var (output, error) = (new StringWriter(), new StringWriter());
        var serving = CliProgram.RunAsync(
            ["serve", model, "--urls", "http://127.0.0.1:0", "--settings", settings, "--store", Path.Combine(_folder, "shop.db")],
            TextWriter.Synchronized(output), TextWriter.Synchronized(error), stop.Token);
        while (!output.ToString().Contains("http://", StringComparison.Ordinal))
        {
            Assert.False(serving.IsCompleted, error.ToString());
            await Task.Delay(20);
        }

        string url = output.ToString().Split().First(word => word.StartsWith("http://", StringComparison.Ordinal)).TrimEnd('/');
        using var client = new HttpClient { BaseAddress = new Uri(url) };
        using var answer = await client.PostAsync("/v1/recommend", new StringContent("""{"history": ["a"], "count": 2}"""));
        using var tooMany = await client.PostAsync("/v1/recommend", new StringContent("""{"history": ["a"], "count": 3}"""));
        using var events = await client.PostAsync("/v1/events", new StringContent("""{"userId": "ann", "itemId": "b", "type": "view", "time": 5000}"""));
        using var admin = await client.GetAsync("/v1/models");
        var recommended = await answer.Content.ReadFromJsonAsync<JsonNode>();
        await stop.CancelAsync();

        Assert.Equal(ExitCodes.Success, await serving);
        Assert.Equal(2, recommended!["items"]!.AsArray().Count);
        Assert.Equal("shop", recommended["model"]!.GetValue<string>());
        Assert.Equal([200, 422, 200, 401], new[] { answer, tooMany, events, admin }.Select(response => (int)response.StatusCode));

        var (code, _, problem) = await RunAsync("retrain", "--from", Path.Combine(_folder, "shop.db"), "--output", Path.Combine(_folder,
            "out"));
        Assert.True(code == ExitCodes.Success, problem);
        Assert.Equal("user_id,item_id,timestamp,event_type,weight\nann,b,5000,view,\n", await File.ReadAllTextAsync(Path.Combine(_folder,
            "out", "events.csv")));
    }

    [Fact]
    public async Task Retrain_WritesWhatIsStored_QuotedAndByType()
    {
        string path = Path.Combine(_folder, "store.db"), output = Path.Combine(_folder, "collected");
        using (var store = new SqliteStore(new SqliteStoreOptions { Path = path }))
        {
            await store.InitializeAsync();
            await store.AppendAsync(new EventBatch(
            [
                new StoredEvent("a,\"n", "x") { TimeMilliseconds = 2, EventType = "buy", Weight = 0.5 },
                new StoredEvent("bob", "y") { TimeMilliseconds = 1, EventType = "view" },
            ]));
            await store.TryWriteAsync(
            [
                new StoredItem(new Item { Id = "new", Title = "New tent", Attributes = new Dictionary<string,
                    AttributeValue> { ["price"] = 5 } }),
                new StoredItem(new Item { Id = "old" }) { IsRemoved = true },
            ], 0);
        }

        var (code, text, error) = await RunAsync("retrain", "--from", path, "--output", output, "--types", "buy");
        Item[] items = await Datasets.ItemJsonReader.ReadAsync(Path.Combine(output, "items.item.json")).ToArrayAsync();

        Assert.True(code == ExitCodes.Success, error);
        Assert.Contains("events.csv", text, StringComparison.Ordinal);
        Assert.Equal("user_id,item_id,timestamp,event_type,weight\n\"a,\"\"n\",x,2,buy,0.5\n",
            await File.ReadAllTextAsync(Path.Combine(output, "events.csv")));
        Assert.Equal(["New tent"], items.Select(item => item.Title));
        Assert.Equal(5, items[0].Number("price"));
    }

    [Theory]
    [InlineData(ExitCodes.BadData, "serve", "nowhere")]
    [InlineData(ExitCodes.BadData, "retrain", "--from", "nowhere.db")]
    [InlineData(ExitCodes.Usage, "serve")]
    [InlineData(ExitCodes.Usage, "retrain")]
    public async Task WithoutModelOrStore_SaysSo(int expected, params string[] arguments)
    {
        var (code, _, error) = await RunAsync(arguments);

        Assert.Equal(expected, code);
        Assert.NotEmpty(error);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        return (await CliProgram.RunAsync(arguments, output, error), output.ToString(), error.ToString());
    }
}

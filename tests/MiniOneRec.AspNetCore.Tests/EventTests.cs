using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace MiniOneRec.AspNetCore.Tests;

[Collection("shop")]
public sealed class EventTests(ToyShop shop)
{
    private const string TwoLines = """
        {"id": "1", "userId": "ann", "itemId": "tent-1", "type": "view", "time": "2026-01-01T00:00:00Z"}
        {"id": "2", "userId": "ann", "itemId": "tent-2", "weight": 4.5, "time": 1767225601000}
        """;

    [Fact]
    public async Task Events_AreStoredOnce_AndReadBack()
    {
        await using var server = await ShopServer.StartAsync(shop);

        using var first = await server.EventsAsync(TwoLines + "\n\n", "k1");
        using var again = await server.EventsAsync(TwoLines + "\n\n", "k1");
        using var sameEvents = await server.EventsAsync(TwoLines, "k2");
        using var conflict = await server.EventsAsync(TwoLines.Replace("tent-2", "tent-3", StringComparison.Ordinal), "k1");
        var history = await server.SendAsync(HttpMethod.Get, "/v1/users/ann/history");

        Assert.Equal("""{"accepted":2,"duplicates":0,"repeated":false}""", await first.Content.ReadAsStringAsync());
        Assert.Equal("""{"accepted":2,"duplicates":0,"repeated":true}""", await again.Content.ReadAsStringAsync());
        Assert.Equal("""{"accepted":0,"duplicates":2,"repeated":false}""", await sameEvents.Content.ReadAsStringAsync());
        Assert.Equal(409, (int)conflict.StatusCode);
        Assert.Equal("""
            [{"itemId":"tent-1","type":"view","time":1767225600000},{"itemId":"tent-2","time":1767225601000,"weight":4.5}]
            """.Trim(), history["events"]!.ToJsonString());
    }

    [Fact]
    public async Task Erase_DeletesTheHistory()
    {
        await using var server = await ShopServer.StartAsync(shop);
        using var sent = await server.EventsAsync(TwoLines);

        var erased = await server.SendAsync(HttpMethod.Delete, "/v1/users/ann/history");
        var history = await server.SendAsync(HttpMethod.Get, "/v1/users/ann/history");

        Assert.Equal(2, erased["erased"]!.GetValue<int>());
        Assert.Empty(history["events"]!.AsArray());
    }

    public static TheoryData<string, int, string> Poisoned => new()
    {
        { "{\"userId\": \"a\", \"itemId\": \"b\", \"time\": 99999999999999}", 422, "time of line 1" },
        { "{\"userId\": \"a\", \"itemId\": \"b\", \"time\": -1}", 422, "time of line 1" },
        { "{\"userId\": \"a\", \"itemId\": \"b\", \"time\": \"yesterday\"}", 422, "ISO 8601" },
        { "{\"userId\": \"a\\u0000b\", \"itemId\": \"b\"}", 422, "control characters" },
        { "{\"userId\": \"a\", \"itemId\": \"b\\n\"}", 422, "itemId of line 1" },
        { "{\"userId\": \"a\", \"itemId\": \"\\ud800\"}", 400, "Line 1" },
        { "{\"userId\": \"a\", \"itemId\": \"" + new string('x', 300) + "\"}", 422, "300 characters" },
        { "{\"userId\": \"a\"}", 422, "itemId of line 1 is missing" },
        { "{\"userId\": \"a\", \"itemId\": \"b\"}\n{\"userId\": 7, \"itemId\": \"b\"}", 400, "Line 2" },
        { "{\"userId\": \"a\", \"itemId\": \"b\", \"weight\": \"NaN\"}", 422, "weight of line 1" },
        { "\n \n", 400, "no events" },
        { "", 400, "no events" },
    };

    [Theory]
    [MemberData(nameof(Poisoned))]
    public async Task Events_Poisoned_AreRefusedWhole(string lines, int status, string part)
    {
        await using var server = await ShopServer.StartAsync(shop);

        using var response = await server.EventsAsync(lines);
        var problem = await response.Content.ReadFromJsonAsync<JsonNode>();
        var history = await server.SendAsync(HttpMethod.Get, "/v1/users/a/history");

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(part, problem!["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Empty(history["events"]!.AsArray());
    }

    [Fact]
    public async Task Events_IdOfTenMegabytes_IsTooLarge()
    {
        await using var server = await ShopServer.StartAsync(shop);

        using var response = await server.EventsAsync($$"""{"userId": "{{new string('x', 10_000_000)}}", "itemId": "b"}""");

        Assert.Equal(413, (int)response.StatusCode);
    }

    [Fact]
    public async Task Hit_EventAfterARecommendation_CountsOnce()
    {
        await using var server = await ShopServer.StartAsync(shop);
        var answer = await server.RecommendAsync("""{"history": ["tent-1"], "scenario": "home", "count": 3}""");
        await server.RecommendAsync("""{"userId": "eve", "history": ["tent-1"], "scenario": "home", "count": 3}""");
        string item = ShopServer.Ids(answer)[1];
        string followed = $$"""{"userId": "x", "itemId": "{{item}}", "recommendationId": "{{answer["recommendationId"]}}"}""";

        using var hit = await server.EventsAsync(followed);
        using var again = await server.EventsAsync(followed);
        using var other = await server.EventsAsync("""{"userId": "eve", "itemId": "not-recommended"}""");
        using var byUser = await server.EventsAsync($$"""{"userId": "eve", "itemId": "{{item}}"}""");
        var models = await server.SendAsync(HttpMethod.Get, "/v1/models");
        string metrics = await server.Client.GetStringAsync("/metrics");

        var figures = models["models"]![0]!["figures"]![0]!;
        Assert.Equal("home", figures["scenario"]!.GetValue<string>());
        Assert.Equal(2, figures["recommendations"]!.GetValue<int>());
        Assert.Equal(2, figures["hits"]!.GetValue<int>());
        Assert.Contains("minionerec_http_hits_total{model=\"shop-1\",scenario=\"home\"} 2\n", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scenarios_BeyondTheBound_AreCountedTogether()
    {
        await using var server = await ShopServer.StartAsync(shop, [("Serving:RememberedRecommendations", "10")]);
        var attribution = server.App.Services.GetRequiredService<Attribution>();
        for (int i = 0; i < Attribution.MostFigures + 50; i++)
        {
            attribution.Given($"r{i}", "shop-1", $"scenario-{i}", null, ["tent-1"]);
        }

        using var hit = await server.EventsAsync(
            $$"""{"userId": "x", "itemId": "tent-1", "recommendationId": "r{{Attribution.MostFigures + 49}}"}""");
        using var forgotten = await server.EventsAsync("""{"userId": "x", "itemId": "tent-1", "recommendationId": "r0"}""");

        var figures = attribution.Of("shop-1");
        Assert.Equal(Attribution.MostFigures + 1, figures.Count);
        var other = Assert.Single(figures, figure => figure.Scenario == Attribution.OtherScenario);
        Assert.Equal((50, 1), (other.Recommendations, other.Hits));
        Assert.Equal(1, figures.Sum(figure => figure.Hits));
        Assert.Equal("scenario-1", attribution.Given("again", "shop-1", "scenario-1", null, []));
    }

    [Theory]
    [InlineData(0, 10, 0, 0.2775)]
    [InlineData(5, 10, 0.2366, 0.7634)]
    [InlineData(10, 10, 0.7225, 1)]
    public void Interval_IsWilsons(long hits, long count, double low, double high)
    {
        var interval = Attribution.Interval(hits, count);

        Assert.Equal(low, interval.Low, 4);
        Assert.Equal(high, interval.High, 4);
    }
}

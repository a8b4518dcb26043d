using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using MiniOneRec.Stores.Tests;

namespace MiniOneRec.AspNetCore.Tests;

[Collection("shop")]
public sealed class ItemTests(ToyShop shop, PostgreSqlServer postgres) : IClassFixture<PostgreSqlServer>
{
    private const string NewTent = """{"title": "huge warm tent for camping", "brand": "Cord", "attributes": {"price": 99}}""";
    private const string OnlyCord = """{"history": ["tent-1", "tent-2"], "count": 5, "where": {"brand": "Cord"}}""";

    [Fact]
    public async Task Put_NewItem_GetsASemanticIdAndIsRecommendedAtOnce()
    {
        await using var server = await ShopServer.StartAsync(shop);
        var before = await server.SendAsync(HttpMethod.Get, "/v1/catalog");

        var put = await server.SendAsync(HttpMethod.Put, "/v1/items/new-tent", NewTent);
        var answer = await server.RecommendAsync(OnlyCord);
        var got = await server.SendAsync(HttpMethod.Get, "/v1/items/new-tent");
        var after = await server.SendAsync(HttpMethod.Get, "/v1/catalog");
        var found = await server.SendAsync(HttpMethod.Get, "/v1/items?q=HUGE");

        string? id = put["semanticId"]?.GetValue<string>();
        Assert.NotNull(id);
        Assert.Equal(["new-tent"], ShopServer.Ids(answer));
        Assert.Equal(id, answer["items"]![0]!["semanticId"]!.GetValue<string>());
        Assert.Equal("huge warm tent for camping", answer["items"]![0]!["title"]!.GetValue<string>());
        Assert.Equal(99, got["attributes"]!["price"]!.GetValue<double>());
        Assert.Equal(24, before["items"]!.GetValue<int>());
        Assert.Equal(25, after["items"]!.GetValue<int>());
        Assert.Equal(1, after["added"]!.GetValue<int>());
        Assert.NotEqual(before["revision"]!.GetValue<string>(), after["revision"]!.GetValue<string>());
        Assert.Equal(after["revision"]!.GetValue<string>(), answer["catalogRevision"]!.GetValue<string>());
        Assert.Equal(["new-tent"], ShopServer.Ids(found));

        // In a history the new item counts as any other.
        var history = await server.RecommendAsync("""{"history": ["new-tent"], "count": 1}""");
        Assert.Null(history["skippedHistoryItems"]?.GetValue<int>() is 0 ? null : history["skippedHistoryItems"]);
    }

    [Fact]
    public async Task Delete_AddedAndFirstItems_AreNotRecommendedAndComeBackWithTheirCodes()
    {
        await using var server = await ShopServer.StartAsync(shop);
        var put = await server.SendAsync(HttpMethod.Put, "/v1/items/new-tent", NewTent);

        await server.SendAsync(HttpMethod.Delete, "/v1/items/new-tent", status: 204);
        await server.SendAsync(HttpMethod.Delete, "/v1/items/tent-3", status: 204);
        var gone = await server.RecommendAsync("""{"history": ["tent-1"], "count": 30}""");
        await server.SendAsync(HttpMethod.Get, "/v1/items/tent-3", status: 404);
        await server.SendAsync(HttpMethod.Delete, "/v1/items/tent-3", status: 404);
        await server.SendAsync(HttpMethod.Delete, "/v1/items/never", status: 404);
        var other = await server.SendAsync(HttpMethod.Put, "/v1/items/newer-tent", NewTent);
        var back = await server.SendAsync(HttpMethod.Put, "/v1/items/new-tent", NewTent);
        await server.SendAsync(HttpMethod.Put, "/v1/items/tent-3", """{"title": "green tent", "brand": "Acme"}""");
        var again = await server.RecommendAsync("""{"history": ["tent-1"], "count": 30}""");

        Assert.Equal(23, ShopServer.Ids(gone).Length);
        Assert.DoesNotContain("tent-3", ShopServer.Ids(gone));
        Assert.Equal(put["semanticId"]!.GetValue<string>(), back["semanticId"]!.GetValue<string>());
        Assert.NotEqual(back["semanticId"]!.GetValue<string>(), other["semanticId"]!.GetValue<string>());
        Assert.Contains("tent-3", ShopServer.Ids(again));
        Assert.Equal("green tent",
            again["items"]!.AsArray().First(item => item!["id"]!.GetValue<string>() == "tent-3")!["title"]!.GetValue<string>());
    }

    [Fact]
    public async Task Put_ManyAtOnce_GetDifferentCodesAndSurviveARestart()
    {
        string database = shop.NewDatabase();
        string[] codes;
        await using (var server = await ShopServer.StartAsync(shop, database: database))
        {
            var puts = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => server.SendAsync(HttpMethod.Put, $"/v1/items/many-{i}",
                $$"""{"title": "{{(i % 2 == 0 ? "red lamp" : "blue stove")}} number {{i}}"}""")));
            codes = [.. puts.Select(put => put["semanticId"]!.GetValue<string>())];
        }

        await using var second = await ShopServer.StartAsync(shop, database: database);
        var read = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => second.SendAsync(HttpMethod.Get, $"/v1/items/many-{i}")));

        Assert.Equal(30, codes.Distinct().Count());
        Assert.Equal(codes, read.Select(item => item["semanticId"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Changes_OneByOne_GiveTheAnswersOfAServerThatReadsThemAll()
    {
        string database = shop.NewDatabase();
        await using var server = await ShopServer.StartAsync(shop, database: database);
        var random = new Random(4);
        List<string> there = [.. Enumerable.Range(0, 8).Select(i => $"tent-{i}")], gone = [];
        for (int step = 0; step < 60; step++)
        {
            if (there.Count > 5 && random.Next(2) == 0)
            {
                string id = there[random.Next(there.Count)];
                await server.SendAsync(HttpMethod.Delete, $"/v1/items/{id}", status: 204);
                there.Remove(id);
                gone.Add(id);
            }
            else
            {
                string id = gone.Count > 0 && random.Next(3) == 0 ? gone[random.Next(gone.Count)] : $"z{random.Next(1_000)}-{step}";
                await server.SendAsync(HttpMethod.Put, $"/v1/items/{id}",
                    $$"""{"title": "{{(step % 2 == 0 ? "red lamp" : "small cheap tent")}} {{step}}", "brand": "Cord"}""");
                gone.Remove(id);
                there.Add(id);
            }
        }

        await using var rebuilt = await ShopServer.StartAsync(shop, database: database);

        var (one, other) = (await server.SendAsync(HttpMethod.Get, "/v1/catalog"), await rebuilt.SendAsync(HttpMethod.Get, "/v1/catalog"));
        Assert.True(JsonNode.DeepEquals(one, other), $"{one} {other}");
        var (index, whole) = (IndexOf(server), IndexOf(rebuilt));
        Assert.Equal(whole.Items, index.Items);
        Assert.Equal(whole.Fingerprint, index.Fingerprint);
        string query = $$"""{"requests": [{"history": ["{{there[0]}}", "{{there[^1]}}"], "count": 40}, {"history": [], "count": 40}]}""";
        var (answers, expected) = (await server.RecommendAsync(query), await rebuilt.RecommendAsync(query));
        Assert.Equal(expected["results"]!.AsArray().Select(ShopServer.Ids!), answers["results"]!.AsArray().Select(ShopServer.Ids!));
        Assert.DoesNotContain(answers["results"]!.AsArray().SelectMany(ShopServer.Ids!), gone.Contains);

        static SemanticIdIndex IndexOf(ShopServer server)
        {
            var registry = server.App.Services.GetRequiredService<ModelRegistry>();
            return registry.Set.Loaded[registry.Set.Active!].Recommender.Index;
        }
    }

    [Theory]
    [InlineData("x", """{"title": "zzz qqq"}""", 422, "no term")]
    [InlineData("x", """{"title": "red tent", "semanticId": "<a_99><b_0><c_0>"}""", 422, "cannot write")]
    [InlineData("x", """{"title": "red tent", "semanticId": "abc"}""", 422, "not of the form")]
    [InlineData("x", """{"titel": "red tent"}""", 400, "titel")]
    [InlineData("x", """{"attributes": {"a": {"b": 1}}}""", 400, "attribute")]
    [InlineData("x%00y", """{"title": "red tent"}""", 400, "")]
    public async Task Put_BadItem_IsRefusedAndNotStored(string id, string body, int status, string part)
    {
        await using var server = await ShopServer.StartAsync(shop, kestrel: true);
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");

        using var response = await server.Client.PutAsync($"/v1/items/{id}", content);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(part, await response.Content.ReadAsStringAsync(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(24, (await server.SendAsync(HttpMethod.Get, "/v1/catalog"))["items"]!.GetValue<int>());
    }

    [Fact]
    public async Task Put_WithASemanticId_IsTaken_AndDoesNotChangeLater()
    {
        await using var server = await ShopServer.StartAsync(shop);

        var put = await server.SendAsync(HttpMethod.Put, "/v1/items/given", """{"title": "zzz", "semanticId": "<a_1><b_2><c_3>"}""");
        await server.SendAsync(HttpMethod.Put, "/v1/items/given", """{"title": "zzz", "semanticId": "<a_1><b_2><c_4>"}""", status: 409);
        await server.SendAsync(HttpMethod.Put, "/v1/items/tent-1", """{"title": "zzz", "semanticId": "<a_2><b_7><c_7>"}""", status: 409);

        Assert.Equal("<a_1><b_2><c_3>", put["semanticId"]!.GetValue<string>());
    }

    [Fact]
    public async Task Replicas_OnOneSqliteFile_ShareItems()
    {
        string database = shop.NewDatabase();
        await using var first = await ShopServer.StartAsync(shop, database: database);
        await using var second = await ShopServer.StartAsync(shop, database: database);

        await AssertReplicasAgreeAsync(first, second);
    }

    [SkippableFact]
    public async Task Replicas_OnPostgreSql_GiveTheSameAnswers()
    {
        Skip.If(postgres.Missing is not null, postgres.Missing);
        var store = PostgreSqlShop.On(await postgres.NewDatabaseAsync());
        await using var first = await ShopServer.StartAsync(shop, services: store);
        await using var second = await ShopServer.StartAsync(shop, services: store);

        await AssertReplicasAgreeAsync(first, second);
    }

    private static async Task AssertReplicasAgreeAsync(ShopServer first, ShopServer second)
    {
        // Both add at once: no semantic ID is given twice.
        var puts = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => (i % 2 == 0 ? first : second).SendAsync(HttpMethod.Put,
            $"/v1/items/shared-{i}", $$"""{"title": "small cheap tent {{i}}", "brand": "Cord"}""")));
        Assert.Equal(12, puts.Select(put => put["semanticId"]!.GetValue<string>()).Distinct().Count());
        using var events = await first.EventsAsync("""{"userId": "ann", "itemId": "tent-4"}""");

        var clock = System.Diagnostics.Stopwatch.StartNew();
        string Revision(JsonNode catalog) => catalog["revision"]!.GetValue<string>();
        while (Revision(await second.SendAsync(HttpMethod.Get, "/v1/catalog")) != Revision(await first.SendAsync(HttpMethod.Get,
            "/v1/catalog")))
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), "The replicas do not agree within 5 s.");
            await Task.Delay(20);
        }

        foreach (string query in (string[])["""{"userId": "ann", "count": 30}""", """{"history": ["shared-1"], "count": 12, "where": {"brand": "Cord"}}"""])
        {
            var (one, other) = (await first.RecommendAsync(query), await second.RecommendAsync(query));
            Assert.Equal(ShopServer.Ids(one), ShopServer.Ids(other));
            Assert.True(JsonNode.DeepEquals(one["items"], other["items"]), $"{one} {other}");
            Assert.Contains(ShopServer.Ids(one), id => id.StartsWith("shared-", StringComparison.Ordinal));
        }
    }
}

using System.Diagnostics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using MiniOneRec.Stores.Tests;

namespace MiniOneRec.AspNetCore.Tests;

[Collection("shop")]
public sealed class ReplicaModelTests(ToyShop shop, PostgreSqlServer postgres) : IClassFixture<PostgreSqlServer>
{
    [Fact]
    public async Task Parts_ChangedThroughOneReplica_AreTakenOverByTheOther_OnSqlite()
    {
        string database = shop.NewDatabase();
        await using var first = await ShopServer.StartAsync(shop, database: database);
        await using var second = await ShopServer.StartAsync(shop, database: database);

        await AssertFollowAsync(first, second);

        await using var third = await ShopServer.StartAsync(shop, database: database);
        Assert.Equal(await PartsAsync(first), await PartsAsync(third));
    }

    [SkippableFact]
    public async Task Parts_ChangedThroughOneReplica_AreTakenOverByTheOther_OnPostgreSql()
    {
        Skip.If(postgres.Missing is not null, postgres.Missing);
        var store = PostgreSqlShop.On(await postgres.NewDatabaseAsync());
        await using var first = await ShopServer.StartAsync(shop, services: store);
        await using var second = await ShopServer.StartAsync(shop, services: store);

        await AssertFollowAsync(first, second);
    }

    [Fact]
    public async Task Parts_ChangedThroughBothAtOnce_AreThoseOfOneOrderOfTheChanges()
    {
        string database = shop.NewDatabase();
        await using var first = await ShopServer.StartAsync(shop, database: database);
        await using var second = await ShopServer.StartAsync(shop, database: database);

        await Task.WhenAll(Enumerable.Range(0, 12).Select(i => (i % 2 == 0 ? first : second).PostAsync("/v1/models", i % 3 == 0
            ? """{"action": "shadow", "model": "shop-2"}""" : """{"action": "traffic", "model": "shop-2", "share": 0.4}""")));

        const string Expected = "shop-1  shop-2 0.4 shop-2";
        await UntilAsync(async () => await PartsAsync(first) == Expected && await PartsAsync(second) == Expected);
    }

    [Fact]
    public async Task Start_AfterAChange_ServesTheChoice_UnlessTheSettingsNameAnotherModel()
    {
        string database = shop.NewDatabase();
        await using (var server = await ShopServer.StartAsync(shop, database: database))
        {
            await server.PostAsync("/v1/models", """{"action": "activate", "model": "shop-2"}""");
        }

        await using var again = await ShopServer.StartAsync(shop, database: database);
        await using var other = await ShopServer.StartAsync(shop, [("Serving:Model", "shop-2")], database: database);
        await other.PostAsync("/v1/models", """{"action": "activate", "model": "shop-1"}""");
        await Task.Delay(500);                              // five readings of what others have changed

        Assert.Equal("shop-2 shop-1  0 ", await PartsAsync(again));
        Assert.Equal("shop-1 shop-2  0 ", await PartsAsync(other));
    }

    [Fact]
    public async Task Follow_AModelThatIsNotHere_KeepsWhatServesAndFollowsTheNextChoice()
    {
        string database = shop.NewDatabase();
        await using var server = await ShopServer.StartAsync(shop, database: database);
        var store = server.App.Services.GetRequiredService<SqliteStore>();

        Assert.Equal(1, await store.TryWritePartsAsync("shop-1", new ModelParts { Active = "elsewhere" }, 0));
        await Task.Delay(500);
        Assert.Equal("shop-1", (await server.RecommendAsync("""{"history": []}"""))["model"]!.GetValue<string>());
        await using (var late = await ShopServer.StartAsync(shop, database: database))
        {
            Assert.Equal("shop-1   0 ", await PartsAsync(late));
        }

        await store.TryWritePartsAsync("shop-1", new ModelParts { Active = "shop-2" }, 1);
        await UntilAsync(async () => await PartsAsync(server) == "shop-2   0 ");
        await server.PostAsync("/v1/models", """{"action": "activate", "model": "shop-1"}""");
        Assert.Equal("shop-1", (await store.ReadPartsAsync("shop-1")).Active);
    }

    private static async Task AssertFollowAsync(ShopServer first, ShopServer second)
    {
        using var stop = new CancellationTokenSource();
        var asking = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await second.RecommendAsync("""{"history": ["tent-1"], "count": 3}""");   // no request fails while models change
            }
        });
        foreach (var (by, command, expected) in new[]
        {
            (first, """{"action": "activate", "model": "shop-2"}""", "shop-2 shop-1  0 "),
            (second, """{"action": "rollback"}""", "shop-1 shop-2  0 "),
            (first, """{"action": "traffic", "model": "shop-2", "share": 0.3}""", "shop-1 shop-2 shop-2 0.3 "),
            (second, """{"action": "shadow", "model": "shop-2"}""", "shop-1 shop-2 shop-2 0.3 shop-2"),
            (first, """{"action": "traffic", "model": "shop-2", "share": 0}""", "shop-1 shop-2  0 shop-2"),
            (first, """{"action": "shadow"}""", "shop-1 shop-2  0 "),
            (second, """{"action": "unload", "model": "shop-2"}""", "shop-1   0 "),
            (first, """{"action": "activate", "model": "shop-2"}""", "shop-2 shop-1  0 "),
        })
        {
            await by.PostAsync("/v1/models", command);
            Assert.Equal(expected, await PartsAsync(by));
            await UntilAsync(async () => await PartsAsync(by == first ? second : first) == expected);
            string[] models = [.. await Task.WhenAll(new[] { first, second }.Select(AnswersAsync))];
            Assert.Equal(models[0], models[1]);
        }

        await stop.CancelAsync();
        await asking;
    }

    /// <summary>Names which of the models answers each of some users.</summary>
    private static async Task<string> AnswersAsync(ShopServer server)
    {
        var answers = await server.RecommendAsync(
            $$"""{"requests": [{{string.Join(',', Enumerable.Range(0, 40).Select(i => $$"""{"userId": "u{{i}}", "count": 1}"""))}}]}""");
        return string.Join(' ', answers["results"]!.AsArray().Select(answer => answer!["model"]!.GetValue<string>()));
    }

    private static async Task<string> PartsAsync(ShopServer server)
    {
        var models = await server.SendAsync(HttpMethod.Get, "/v1/models");
        string Text(string name) => models[name] is JsonNode node ? node.ToString() : "";
        return $"{Text("active")} {Text("previous")} {Text("candidate")} {Text("share")} {Text("shadow")}";
    }

    private static async Task UntilAsync(Func<Task<bool>> agree)
    {
        var clock = Stopwatch.StartNew();
        while (!await agree())
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), "The replicas do not agree within 5 s.");
            await Task.Delay(20);
        }
    }
}

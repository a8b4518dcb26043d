namespace MiniOneRec.AspNetCore.Tests;

[Collection("shop")]
public sealed class ModelTests(ToyShop shop)
{
    [Fact]
    public async Task Activate_ThenRollBack_ChangesWhoAnswers()
    {
        await using var server = await ShopServer.StartAsync(shop);

        var activated = await server.PostAsync("/v1/models", """{"action": "activate", "model": "shop-2"}""");
        var second = await server.RecommendAsync("""{"history": ["tent-1"]}""");
        var rolledBack = await server.PostAsync("/v1/models", """{"action": "rollback"}""");
        var first = await server.RecommendAsync("""{"history": ["tent-1"]}""");

        Assert.Equal("shop-2", activated["active"]!.GetValue<string>());
        Assert.Equal("shop-1", activated["previous"]!.GetValue<string>());
        Assert.Equal(["shop-1", "shop-2"], activated["available"]!.AsArray().Select(name => name!.GetValue<string>()));
        Assert.Equal("shop-2", second["model"]!.GetValue<string>());
        Assert.Equal("shop-2", rolledBack["previous"]!.GetValue<string>());
        Assert.Equal("shop-1", first["model"]!.GetValue<string>());
        Assert.NotEqual(first["modelRevision"]!.GetValue<string>(), second["modelRevision"]!.GetValue<string>());
    }

    [Fact]
    public async Task Traffic_IsDividedByUserAndStays()
    {
        await using var server = await ShopServer.StartAsync(shop);
        await server.PostAsync("/v1/models", """{"action": "traffic", "model": "shop-2", "share": 0.3}""");

        async Task<string[]> AskAsync()
        {
            var answers = await server.RecommendAsync(
                $$"""{"requests": [{{string.Join(',', Enumerable.Range(0, 200).Select(i => $$"""{"userId": "u{{i}}", "count": 1}"""))}}]}""");
            return [.. answers["results"]!.AsArray().Select(answer => answer!["model"]!.GetValue<string>())];
        }

        string[] once = await AskAsync(), twice = await AskAsync();
        await server.PostAsync("/v1/models", """{"action": "traffic", "model": "shop-2", "share": 0}""");
        string[] ended = await AskAsync();

        Assert.Equal(once, twice);
        Assert.InRange(once.Count(model => model == "shop-2"), 40, 80);
        Assert.All(ended, model => Assert.Equal("shop-1", model));
    }

    [Fact]
    public void Position_IsEvenlySpread()
    {
        double[] positions = [.. Enumerable.Range(0, 10_000).Select(i => ModelSet.Position("m", $"user {i}"))];

        Assert.All(positions, position => Assert.InRange(position, 0, 0.9999999999999999));
        Assert.All(Enumerable.Range(0, 10), tenth => Assert.InRange(positions.Count(position => (int)(position * 10) == tenth), 900,
            1_100));
        Assert.InRange(Enumerable.Range(0, 10_000).Count(i => ModelSet.Position("m", $"user {i}") < .5 == ModelSet.Position("n",
            $"user {i}") < .5), 4_800, 5_200);
    }

    [Fact]
    public async Task Shadow_IsComparedAndNotGiven()
    {
        await using var server = await ShopServer.StartAsync(shop);
        await server.PostAsync("/v1/models", """{"action": "shadow", "model": "shop-2"}""");

        var answer = await server.RecommendAsync("""{"history": ["tent-1"]}""");
        string metrics = "";
        for (int i = 0; i < 100 && !metrics.Contains("minionerec_http_shadow_overlap_count{model=\"shop-2\"} 1",
            StringComparison.Ordinal); i++)
        {
            await Task.Delay(20);
            metrics = await server.Client.GetStringAsync("/metrics");
        }

        Assert.Equal("shop-1", answer["model"]!.GetValue<string>());
        Assert.Contains("minionerec_http_shadow_overlap_count{model=\"shop-2\"} 1", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Items_AddedBefore_AreServedByAModelThatIsLoadedLater()
    {
        await using var server = await ShopServer.StartAsync(shop);
        await server.SendAsync(HttpMethod.Put, "/v1/items/new-tent", """{"title": "red tent", "brand": "Cord"}""");

        await server.PostAsync("/v1/models", """{"action": "activate", "model": "shop-2"}""");
        var answer = await server.RecommendAsync("""{"history": ["tent-1"], "where": {"brand": "Cord"}}""");

        Assert.Equal(["new-tent"], ShopServer.Ids(answer));
    }

    [Theory]
    [InlineData("""{"action": "load", "model": "../shop-1"}""", 404)]
    [InlineData("""{"action": "load", "model": "shop-1/../shop-2"}""", 404)]
    [InlineData("""{"action": "load", "model": "/etc"}""", 404)]
    [InlineData("""{"action": "load", "model": "shop-1\u0000"}""", 422)]
    [InlineData("""{"action": "load", "model": "index"}""", 404)]
    [InlineData("""{"action": "load", "model": "outside"}""", 404)]
    [InlineData("""{"action": "load"}""", 422)]
    [InlineData("""{"action": "destroy", "model": "shop-1"}""", 422)]
    [InlineData("""{"action": "traffic", "model": "shop-2", "share": 1.5}""", 422)]
    [InlineData("""{"action": "traffic", "model": "shop-1", "share": 0.5}""", 409)]
    [InlineData("""{"action": "rollback"}""", 409)]
    [InlineData("""{"action": "unload", "model": "shop-1"}""", 409)]
    [InlineData("""{"action": "unload", "model": "shop-2"}""", 404)]
    public async Task Change_WhatCannotBe_IsRefused(string body, int status)
    {
        // A link that leads out of the root is no model of it.
        string outside = Directory.CreateTempSubdirectory("minionerec-outside-").FullName, link = Path.Combine(shop.Root, "outside");
        File.Copy(Path.Combine(shop.Root, "shop-1", "minionerec.json"), Path.Combine(outside, "minionerec.json"));
        Directory.CreateSymbolicLink(link, outside);
        try
        {
            await using var server = await ShopServer.StartAsync(shop);

            await server.PostAsync("/v1/models", body, status);
            var models = await server.SendAsync(HttpMethod.Get, "/v1/models");

            Assert.Equal("shop-1", models["active"]!.GetValue<string>());
            Assert.Equal(["shop-1", "shop-2"], models["available"]!.AsArray().Select(name => name!.GetValue<string>()));
        }
        finally
        {
            Directory.Delete(link);
            Directory.Delete(outside, recursive: true);
        }
    }

    [Fact]
    public async Task Load_DamagedModel_IsRefusedAndTheOldOneServes()
    {
        string damaged = Directory.CreateDirectory(Path.Combine(shop.Root, "damaged")).FullName;
        await File.WriteAllTextAsync(Path.Combine(damaged, "minionerec.json"), "{}");
        try
        {
            await using var server = await ShopServer.StartAsync(shop);

            await server.PostAsync("/v1/models", """{"action": "activate", "model": "damaged"}""", 422);

            Assert.Equal("shop-1", (await server.RecommendAsync("""{"history": []}"""))["model"]!.GetValue<string>());
        }
        finally
        {
            Directory.Delete(damaged, recursive: true);
        }
    }

    [Fact]
    public async Task Activate_UnderLoad_FailsNoRequest()
    {
        await using var server = await ShopServer.StartAsync(shop);
        using var stop = new CancellationTokenSource();
        int answered = 0;
        var clients = Enumerable.Range(0, 8).Select(c => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await server.RecommendAsync($$"""{"history": ["tent-{{c}}"], "count": 3}""");
                Interlocked.Increment(ref answered);
            }
        })).ToArray();

        for (int i = 0; i < 6; i++)
        {
            await server.PostAsync("/v1/models", $$"""{"action": "activate", "model": "shop-{{2 - (i % 2)}}"}""");
            for (int before = Volatile.Read(ref answered); Volatile.Read(ref answered) < before + 5;)
            {
                Assert.DoesNotContain(clients, client => client.IsCompleted);
                await Task.Delay(1);
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(clients);
    }
}

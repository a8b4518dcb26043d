using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;

namespace MiniOneRec.AspNetCore.Tests;

[Collection("shop")]
public sealed class RecommendTests(ToyShop shop)
{
    [Theory]
    [InlineData(double.NegativeInfinity, -1e9)]
    [InlineData(-4.25, -4.25)]
    [InlineData(998, 998)]
    public void Score_IsWrittenAsANumber(double score, double written) => Assert.Equal(written, RecommendService.Written(score));

    [Fact]
    public async Task Recommend_InlineHistory_GivesWhatTheLibraryGives()
    {
        await using var server = await ShopServer.StartAsync(shop);
        using var library = await GenerativeRecommender.LoadAsync(Path.Combine(shop.Root, "shop-1"));
        var expected = await library.RecommendAsync(["tent-1", "stove-2"], 5);

        var answer = await server.RecommendAsync("""{"history": ["tent-1", "stove-2", "unknown"], "count": 5}""");

        Assert.Equal(expected.Items.Select(item => item.ItemId), ShopServer.Ids(answer));
        Assert.Equal("shop-1", answer["model"]!.GetValue<string>());
        Assert.Equal(32, answer["recommendationId"]!.GetValue<string>().Length);
        Assert.Equal(1, answer["skippedHistoryItems"]!.GetValue<int>());
        var first = answer["items"]![0]!;
        Assert.Equal(expected.Items[0].SemanticId!.ToString(), first["semanticId"]!.GetValue<string>());
        Assert.Equal(expected.Items[0].Score, first["score"]!.GetValue<double>(), 4);
        Assert.Contains("for camping", first["title"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recommend_StoredHistory_IsTheSameAsInline()
    {
        await using var server = await ShopServer.StartAsync(shop);
        using var sent = await server.EventsAsync("""
            {"userId": "ann", "itemId": "stove-2", "time": 2000}
            {"userId": "ann", "itemId": "tent-1", "time": 1000}
            """);
        Assert.Equal(200, (int)sent.StatusCode);

        var stored = await server.RecommendAsync("""{"userId": "ann", "count": 8}""");
        var inline = await server.RecommendAsync("""{"history": ["tent-1", "stove-2"], "count": 8}""");

        Assert.True(JsonNode.DeepEquals(stored["items"], inline["items"]), $"{stored} {inline}");
    }

    [Fact]
    public async Task Recommend_Many_AnswersInOrder()
    {
        await using var server = await ShopServer.StartAsync(shop);

        var many = await server.RecommendAsync(
            """{"requests": [{"history": ["tent-1"], "count": 3}, {"history": ["lamp-2"], "count": 2}]}""");
        var single = await server.RecommendAsync("""{"history": ["lamp-2"], "count": 2}""");

        var results = many["results"]!.AsArray();
        Assert.Equal(3, ShopServer.Ids(results[0]!).Length);
        Assert.Equal(ShopServer.Ids(single), ShopServer.Ids(results[1]!));
        Assert.NotEqual(results[0]!["recommendationId"]!.GetValue<string>(), results[1]!["recommendationId"]!.GetValue<string>());
    }

    [Theory]
    [InlineData("""{"price": {"lt": 30}}""", new[] { "-0", "-1" })]
    [InlineData("""{"price": {"ge": 70}, "brand": "Bolt"}""", new[] { "-7" })]
    [InlineData("""{"category": "lamp"}""", new[] { "lamp-" })]
    [InlineData("""{"stock": false}""", new[] { "-0" })]
    [InlineData("""{"brand": {"in": ["Bolt", "Cord"]}, "price": {"le": 20}}""", new[] { "-1" })]
    [InlineData("""{"price": {"exists": true, "ne": 10, "le": 20}}""", new[] { "-1" })]
    public async Task Recommend_Where_GivesOnlyItemsThatPass(string where, string[] parts)
    {
        await using var server = await ShopServer.StartAsync(shop);

        var answer = await server.RecommendAsync($$"""{"history": ["tent-1"], "count": 20, "where": {{where}}}""");

        string[] ids = ShopServer.Ids(answer);
        Assert.NotEmpty(ids);
        Assert.All(ids, id => Assert.Contains(parts, part => id.Contains(part, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Recommend_ExcludeAndSeen_LeaveItemsOut()
    {
        await using var server = await ShopServer.StartAsync(shop);
        using var sent = await server.EventsAsync("""{"userId": "bob", "itemId": "lamp-3"}""");

        var answer = await server.RecommendAsync(
            """{"userId": "bob", "history": ["tent-1", "tent-2"], "exclude": ["stove-0"], "excludeSeen": true, "count": 24}""");

        string[] ids = ShopServer.Ids(answer);
        Assert.Equal(20, ids.Length);
        Assert.Empty(ids.Intersect(["tent-1", "tent-2", "stove-0", "lamp-3"]));
        Assert.Equal(4, answer["shortfall"]!.GetValue<int>());
    }

    [Fact]
    public async Task Recommend_Boost_AddsToTheScoreAndReorders()
    {
        await using var server = await ShopServer.StartAsync(shop);
        var plain = await server.RecommendAsync("""{"history": ["tent-1"], "count": 20}""");

        var boosted = await server.RecommendAsync(
            """{"history": ["tent-1"], "count": 5, "boost": [{"where": {"category": "lamp"}, "add": 50}]}""");

        var expected = plain["items"]!.AsArray()
            .Select(item => (Id: item!["id"]!.GetValue<string>(), Score: item["score"]!.GetValue<double>()))
            .Select(item => item.Id.StartsWith("lamp", StringComparison.Ordinal) ? (item.Id, Score: item.Score + 50) : item)
            .OrderByDescending(item => item.Score).Take(5).ToArray();
        Assert.StartsWith("lamp", expected[0].Id, StringComparison.Ordinal);
        Assert.Equal(expected.Select(item => item.Id), ShopServer.Ids(boosted));
        Assert.All(expected.Zip(boosted["items"]!.AsArray()), pair =>
            Assert.Equal(pair.First.Score, pair.Second!["score"]!.GetValue<double>(), 4));
    }

    [Fact]
    public async Task Recommend_Explain_GivesTheLogProbabilityOfEachCode()
    {
        await using var server = await ShopServer.StartAsync(shop);
        using var library = await GenerativeRecommender.LoadAsync(Path.Combine(shop.Root, "shop-1"));

        var answer = await server.RecommendAsync("""{"history": ["tent-1"], "count": 4, "explain": true}""");

        foreach (var item in answer["items"]!.AsArray())
        {
            var expected = library.Explain(["tent-1"], item!["id"]!.GetValue<string>());
            var codes = item["why"]!["codes"]!.AsArray();
            Assert.Equal(item["semanticId"]!.GetValue<string>(), string.Concat(codes.Select(code => code!["code"]!.GetValue<string>())));
            Assert.All(codes.Index(), code => Assert.Equal(expected[code.Index].LogProbability,
                code.Item!["logProbability"]!.GetValue<double>(), 4));
            double sum = codes.Sum(code => code!["logProbability"]!.GetValue<double>())
                + item["why"]!["terminatorLogProbability"]!.GetValue<double>();
            Assert.Equal(item["score"]!.GetValue<double>(), sum, 3);
            Assert.Equal("codes", item["why"]!["reachedBy"]!.GetValue<string>());
            Assert.Equal(Math.Exp(sum), item["why"]!["sources"]![0]!["probability"]!.GetValue<double>(), 4);
        }
    }

    [Fact]
    public async Task Recommend_ExplainWithPrior_NamesItsShare()
    {
        await using var server = await ShopServer.StartAsync(shop, [("Recommender:PriorWeight", "0.9")],
            services => services.AddSingleton<IItemScorer>(new OneItem("lamp-5")));

        var answer = await server.RecommendAsync("""{"history": ["tent-1"], "count": 1, "explain": true}""");

        var why = answer["items"]![0]!["why"]!;
        Assert.Equal(["lamp-5"], ShopServer.Ids(answer));
        Assert.Equal("OneItem", why["reachedBy"]!.GetValue<string>());
        Assert.Equal(0.9, why["sources"]![1]!["weight"]!.GetValue<double>(), 6);
        Assert.Equal(1, why["sources"]![1]!["probability"]!.GetValue<double>(), 6);
    }

    [Theory]
    [InlineData("""{"count": 3}""", 422, "neither history nor userId")]
    [InlineData("""{"history": ["a"], "count": 0}""", 422, "asks for 0 items")]
    [InlineData("""{"history": ["a"], "count": 101}""", 422, "expected 1 to 100")]
    [InlineData("""{"history": ["a"], "cuont": 3}""", 400, "cuont")]
    [InlineData("""{"history": "a"}""", 400, "history")]
    [InlineData("""{"history": [""]}""", 422, "An item id is missing")]
    [InlineData("""{"history": [null]}""", 422, "An item id is missing")]
    [InlineData("""{"history": ["a"], "where": {"price": {"above": 3}}}""", 422, "'above' of attribute 'price'")]
    [InlineData("""{"history": ["a"], "where": []}""", 422, "'where' is Array")]
    [InlineData("""{"history": ["a"], "boost": [{"where": {}, "add": 1e9}]}""", 422, "boosts")]
    [InlineData("""{"history": ["a"], "deadlineMilliseconds": 0}""", 422, "deadline")]
    [InlineData("""{"requests": []}""", 422, "'requests' has 0")]
    [InlineData("""{"requests": [{"history": []}], "history": []}""", 422, "both 'requests'")]
    [InlineData("""{"history": ["a"], "model": "other"}""", 404, "No model of that name")]
    [InlineData("null", 400, "null")]
    [InlineData("{", 400, "not the JSON")]
    [InlineData("", 400, "not the JSON")]
    public async Task Recommend_BadRequest_IsAProblemThatNamesIt(string body, int status, string part)
    {
        await using var server = await ShopServer.StartAsync(shop);

        var problem = await server.RecommendAsync(body, status);

        Assert.Contains(part, problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(status, problem["status"]!.GetValue<int>());
    }

    [Fact]
    public async Task Similar_RanksBySharedCodesThenDistance()
    {
        await using var server = await ShopServer.StartAsync(shop);

        var answer = await server.PostAsync("/v1/similar", """{"itemId": "tent-1", "count": 6, "where": {"category": "tent"}}""");

        var items = answer["items"]!.AsArray();
        int[] shared = [.. items.Select(item => item!["sharedCodes"]!.GetValue<int>())];
        Assert.Equal(6, items.Count);
        Assert.All(ShopServer.Ids(answer), id => Assert.True(id.StartsWith("tent", StringComparison.Ordinal) && id != "tent-1"));
        Assert.Equal(shared.OrderDescending(), shared);
        Assert.All(items.Zip(items.Skip(1)),
            pair => Assert.True(pair.First!["sharedCodes"]!.GetValue<int>() > pair.Second!["sharedCodes"]!.GetValue<int>()
            || pair.First["distance"]!.GetValue<double>() <= pair.Second["distance"]!.GetValue<double>()));
        await server.PostAsync("/v1/similar", """{"itemId": "nothing"}""", 404);
    }

    private sealed class OneItem(string item) : IItemScorer
    {
        public IReadOnlyList<string> Items { get; } = [item];

        public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores) => scores.Fill(1);
    }
}

using System.Net.Http.Headers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MiniOneRec.AspNetCore.Tests;

[Collection("shop")]
public sealed class OperationTests(ToyShop shop)
{
    private const string ReadKey = "read-key-0123456789";

    private static readonly (string, string)[] TwoKeys =
    [
        ("Serving:Keys:1:Name", "reader"), ("Serving:Keys:1:Sha256",
            Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(ReadKey)))),
        ("Serving:Keys:1:Scopes", "Recommend"),
    ];

    [Theory]
    [InlineData(null, "recommend", 401)]
    [InlineData("wrong-key-0123456789", "recommend", 401)]
    [InlineData(ReadKey, "recommend", 200)]
    [InlineData(ReadKey, "models", 403)]
    [InlineData(ReadKey, "events", 403)]
    [InlineData(ShopServer.AdminKey, "models", 200)]
    public async Task Keys_DecideByScope(string? key, string route, int status)
    {
        await using var server = await ShopServer.StartAsync(shop, TwoKeys);
        server.Client.DefaultRequestHeaders.Authorization = null;
        foreach (string header in (string[])["Authorization", "X-API-Key"])
        {
            using var request = route == "models"
                ? new HttpRequestMessage(HttpMethod.Get, "/v1/models")
                : new HttpRequestMessage(HttpMethod.Post, $"/v1/{route}") { Content = new StringContent("""{"history": ["tent-1"]}""") };
            if (key is not null)
            {
                request.Headers.Add(header, header == "Authorization" ? $"Bearer {key}" : key);
            }

            using var response = await server.Client.SendAsync(request);

            Assert.Equal(status, (int)response.StatusCode);
            Assert.Equal(status == 401, response.Headers.WwwAuthenticate.Count > 0);
        }
    }

    [Fact]
    public async Task NoKeys_NoAdminRoute()
    {
        await using var server = await ShopServer.StartAsync(shop,
            [("Serving:Keys:0:Scopes", "Recommend"), ("Serving:Anonymous", "Recommend, Events")]);
        server.Client.DefaultRequestHeaders.Authorization = null;

        await server.RecommendAsync("""{"history": []}""");
        await server.SendAsync(HttpMethod.Get, "/v1/models", status: 401);
        await server.SendAsync(HttpMethod.Put, "/v1/items/x", "{}", status: 401);
        await server.SendAsync(HttpMethod.Delete, "/v1/items/x", status: 401);
        await server.SendAsync(HttpMethod.Delete, "/v1/users/x/history", status: 401);
    }

    [Fact]
    public async Task Logs_HoldNoKey()
    {
        using var logs = new Collecting();
        await using (var server = await ShopServer.StartAsync(shop, TwoKeys, kestrel: true, logs: logs))
        {
            await server.RecommendAsync("""{"history": ["tent-1"]}""");
            server.Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "wrong-key-0123456789");
            await server.RecommendAsync("{}", 401);
        }

        Assert.True(logs.Lines.Count > 5);
        Assert.DoesNotContain(logs.Lines, line => line.Contains("key-0123456789", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Serving:Keys:0:Key", "short", "5 characters")]
    [InlineData("Serving:Anonymous", "Admin", "Anonymous contains Admin")]
    [InlineData("Serving:Keys:0:Sha256", "ab", "either Key or Sha256")]
    [InlineData("Serving:MaxCount", "0", "MaxCount")]
    [InlineData("Serving:MaxCuont", "5", "MaxCuont")]
    [InlineData("Recommender:BeamWidth", "0", "BeamWidth")]
    public async Task Options_ThatBreakARule_StopTheStart(string key, string value, string part)
    {
        var error = await Assert.ThrowsAnyAsync<OptionsValidationException>(() => ShopServer.StartAsync(shop, [(key, value)]));

        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_WithoutTheModel_SaysWhereItLooked()
    {
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => ShopServer.StartAsync(shop, [("Serving:Model", "nothing")]));

        Assert.Contains(shop.Root, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Health_FollowsTheServer()
    {
        await using var server = await ShopServer.StartAsync(shop, [("Serving:Model", "")]);

        Assert.Equal("live", (await server.SendAsync(HttpMethod.Get, "/v2/health/live"))["status"]!.GetValue<string>());
        Assert.Equal(503, await StatusAsync("/v2/health/ready"));
        Assert.Equal(503, (int)(await server.RecommendAsync("""{"history": []}""", 503))["status"]!.GetValue<int>());
        Assert.Equal(404, await StatusAsync("/v2/models/shop-1/ready"));
        await server.PostAsync("/v1/models", """{"action": "activate", "model": "shop-1"}""");
        Assert.Equal(200, await StatusAsync("/v2/health/ready"));
        Assert.Equal(200, await StatusAsync("/v2/models/shop-1/ready"));

        server.App.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        Assert.Equal(503, await StatusAsync("/v2/health/ready"));
        Assert.Equal(200, await StatusAsync("/v2/health/live"));
        using var refused = await server.Client.PostAsync("/v1/recommend", new StringContent("""{"history": []}"""));
        Assert.Equal(503, (int)refused.StatusCode);
        Assert.Equal(2, refused.Headers.RetryAfter?.Delta?.TotalSeconds);

        async Task<int> StatusAsync(string path)
        {
            using var response = await server.Client.GetAsync(path);
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task Stop_WhileRequestsRun_AnswersThem()
    {
        var slow = new Slow();
        await using var server = await ShopServer.StartAsync(shop, services: services => services.AddSingleton<IItemScorer>(slow),
            kestrel: true);
        slow.Hold.Reset();
        var running = server.RecommendAsync("""{"history": ["tent-1"]}""");
        await slow.Entered.Task.WaitAsync(TimeSpan.FromSeconds(30));

        var stopping = server.App.StopAsync();
        await Task.Delay(100);
        slow.Hold.Set();

        Assert.Equal(10, ShopServer.Ids(await running).Length);
        await stopping;
    }

    [Fact]
    public async Task Queue_Full_Is429_AndLate_Is504()
    {
        var slow = new Slow();
        await using var server = await ShopServer.StartAsync(shop, [("Recommender:QueueCapacity", "1"), ("Recommender:BatchSize", "1")],
            services => services.AddSingleton<IItemScorer>(slow));
        slow.Hold.Reset();
        var running = server.RecommendAsync("""{"history": ["tent-1"]}""");
        await slow.Entered.Task.WaitAsync(TimeSpan.FromSeconds(30));
        var late = server.RecommendAsync("""{"history": ["tent-1"], "deadlineMilliseconds": 50}""", 504);
        await late;
        var several = Enumerable.Range(0, 5).Select(_ => server.Client.PostAsync("/v1/recommend",
            new StringContent("""{"history": ["tent-2"]}"""))).ToArray();
        while (several.Count(one => one.IsCompleted) < 4)
        {
            await Task.Delay(5);
        }

        slow.Hold.Set();
        var answers = await Task.WhenAll(several);
        Assert.Equal([200, 429, 429, 429, 429], answers.Select(answer => (int)answer.StatusCode).Order());
        Assert.All(answers.Where(answer => (int)answer.StatusCode == 429), answer => Assert.NotNull(answer.Headers.RetryAfter));
        await running;
        Array.ForEach(answers, answer => answer.Dispose());
    }

    [Fact]
    public async Task Body_TooLarge_Is413_AlsoWithoutALength()
    {
        await using var server = await ShopServer.StartAsync(shop, [("Serving:MaxBodyBytes", "2048")], kestrel: true);
        string body = $$"""{"history": ["{{new string('x', 5_000)}}"]}""";

        await server.RecommendAsync(body, 413);
        using var chunked = new HttpRequestMessage(HttpMethod.Post, "/v1/recommend") { Content = new StringContent(body) };
        chunked.Headers.TransferEncodingChunked = true;
        using var response = await server.Client.SendAsync(chunked);

        Assert.Equal(413, (int)response.StatusCode);
    }

    [Fact]
    public async Task Metrics_AreInPrometheusText()
    {
        await using var server = await ShopServer.StartAsync(shop);
        await server.RecommendAsync("""{"history": ["tent-1"], "scenario": "a\"b"}""");
        await server.RecommendAsync("{", 400);

        using var response = await server.Client.GetAsync("/metrics");
        string text = await response.Content.ReadAsStringAsync();

        Assert.Equal("text/plain", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains("minionerec_http_requests_total{route=\"recommend\",status=\"200\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("minionerec_http_requests_total{route=\"recommend\",status=\"400\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("minionerec_http_duration_seconds_count{route=\"recommend\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("scenario=\"a\\\"b\"", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE minionerec_serving_duration_seconds histogram\n", text, StringComparison.Ordinal);
        Assert.Contains("minionerec_http_model_items{model=\"shop-1\"", text, StringComparison.Ordinal);
        Assert.Contains("minionerec_serving_beams_count", text, StringComparison.Ordinal);
        Assert.All(text.Split('\n', StringSplitOptions.RemoveEmptyEntries), line =>
            Assert.Matches("""^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="([^"\\]|\\.)*"(,[a-z_]+="([^"\\]|\\.)*")*\})? [-+0-9.Ee]+)$""", line));
    }

    [Fact]
    public async Task OpenApi_DescribesRoutesAndBodies()
    {
        await using var server = await ShopServer.StartAsync(shop);

        var document = await server.SendAsync(HttpMethod.Get, "/openapi/v1.json");
        string page = await server.Client.GetStringAsync("/docs");

        string[] paths = [.. document["paths"]!.AsObject().Select(path => path.Key)];
        Assert.Superset(
            new HashSet<string>
            {
                "/v1/recommend", "/v1/similar", "/v1/events", "/v1/items/{id}", "/v1/users/{id}/history", "/v1/models", "/v1/catalog",
                "/v2/health/ready",
            },
            paths.ToHashSet());
        var recommend = document["paths"]!["/v1/recommend"]!["post"]!;
        Assert.NotNull(recommend["requestBody"]!["content"]!["application/json"]);
        Assert.NotNull(recommend["responses"]!["429"]);
        Assert.Contains("excludeSeen",
            document["components"]!["schemas"]!["RecommendCall"]!["properties"]!.AsObject().Select(property => property.Key));
        Assert.Contains("docs/docs.js", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Map_WithoutAdd_SaysWhatToCall()
    {
        var builder = Microsoft.AspNetCore.Builder.WebApplication.CreateSlimBuilder();
        var app = builder.Build();

        var error = Assert.Throws<InvalidOperationException>(() => app.MapMiniOneRec());

        Assert.Contains("AddMiniOneRecServing", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A prior that waits while it is held.</summary>
    private sealed class Slow : IItemScorer
    {
        public ManualResetEventSlim Hold { get; } = new(initialState: true);

        public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IReadOnlyList<string> Items { get; } = ["tent-1"];

        public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores)
        {
            if (!Hold.IsSet)
            {
                Entered.TrySetResult();
            }

            Hold.Wait(TimeSpan.FromSeconds(30));
            scores.Fill(1);
        }
    }

    private sealed class Collecting : ILoggerProvider, ILogger
    {
        public List<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter)
        {
            lock (Lines)
            {
                Lines.Add(formatter(state, exception) + exception);
            }
        }

        public void Dispose()
        {
        }
    }
}

using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MiniOneRec.AspNetCore.Tests;

/// <summary>A server of the toy shop, in this process, with a client that has the admin's key.</summary>
internal sealed class ShopServer : IAsyncDisposable
{
    public const string AdminKey = "admin-key-0123456789";

    private ShopServer(WebApplication app, HttpClient client) => (App, Client) = (app, client);

    public WebApplication App { get; }

    public HttpClient Client { get; }

    public static async Task<ShopServer> StartAsync(ToyShop shop, IEnumerable<(string Key, string Value)>? settings = null,
        Action<IServiceCollection>? services = null, string? database = null, bool kestrel = false, ILoggerProvider? logs = null)
    {
        string file = database ?? shop.NewDatabase();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (logs is not null)
        {
            builder.Logging.AddProvider(logs).SetMinimumLevel(LogLevel.Trace);
        }

        if (kestrel)
        {
            builder.WebHost.UseUrls("http://127.0.0.1:0");
        }
        else
        {
            builder.WebHost.UseTestServer();
        }

        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["MiniOneRec:Serving:ModelRoot"] = shop.Root,
            ["MiniOneRec:Serving:Model"] = "shop-1",
            ["MiniOneRec:Serving:Items"] = shop.ItemsFile,
            ["MiniOneRec:Serving:Database"] = file,
            ["MiniOneRec:Serving:SyncMilliseconds"] = "100",
            ["MiniOneRec:Serving:Keys:0:Name"] = "admin",
            ["MiniOneRec:Serving:Keys:0:Key"] = AdminKey,
            ["MiniOneRec:Serving:Keys:0:Scopes"] = "Recommend, Events, Admin",
        });
        builder.Configuration.AddInMemoryCollection((settings ?? []).Select(pair =>
            KeyValuePair.Create($"MiniOneRec:{pair.Key}", (string?)pair.Value)));
        services?.Invoke(builder.Services);
        builder.Services.AddMiniOneRecServing(builder.Configuration);
        var app = builder.Build();
        app.MapMiniOneRec();
        await app.StartAsync();
        var client = kestrel ? new HttpClient { BaseAddress = new Uri(app.Urls.First()) } : app.GetTestClient();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AdminKey);
        return new ShopServer(app, client);
    }

    /// <summary>Sends JSON and reads JSON; fails unless the status is the expected one.</summary>
    public async Task<JsonNode> SendAsync(HttpMethod method, string path, string? body = null, int status = 200,
        string type = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, type);
        }

        using var response = await Client.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        Assert.True(status == (int)response.StatusCode, $"{method} {path}: {(int)response.StatusCode} {text}");
        if (status >= 400)
        {
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        }

        return text.Length == 0 ? new JsonObject() : JsonNode.Parse(text)!;
    }

    public Task<JsonNode> PostAsync(string path, string body, int status = 200) => SendAsync(HttpMethod.Post, path, body, status);

    public Task<JsonNode> RecommendAsync(string body, int status = 200) => PostAsync("/v1/recommend", body, status);

    public async Task<HttpResponseMessage> EventsAsync(string lines, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/events") { Content = new StringContent(lines, Encoding.UTF8,
            "application/x-ndjson") };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await Client.SendAsync(request);
    }

    public static string[] Ids(JsonNode answer) => [.. answer["items"]!.AsArray().Select(item => item!["id"]!.GetValue<string>())];

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await App.StopAsync();
        await App.DisposeAsync();
    }
}

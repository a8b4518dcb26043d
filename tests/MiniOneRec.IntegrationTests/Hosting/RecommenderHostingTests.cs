using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec.Modeling;

namespace MiniOneRec.IntegrationTests;

/// <summary>Saved recommenders in an application: loaded at the start, with all that the application gives them.</summary>
public sealed class RecommenderHostingTests : IAsyncLifetime
{
    private static readonly SemanticIdIndex Index = new([new("a", new(0, 1)), new("b", new(1, 0)), new("c", new(1, 1))]);
    private readonly string _root = Directory.CreateTempSubdirectory("minionerec-").FullName;

    private string Folder => Path.Combine(_root, "model");

    public async Task InitializeAsync()
    {
        var options = new ModelingOptions { HiddenSize = 16, Recommender = new RecommenderOptions { BeamWidth = 7, MaxHistoryItems = 5 } };
        using var recommender = await new GenerativeRecommenderFactory(options).CreateAsync(Index);
        await recommender.SaveAsync(Folder);
    }

    public Task DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Host_LoadsWhileItStarts_WithTheApplicationsOptionsLoggerPriorAndFallback()
    {
        var (log, prior, fallback) = (new Messages(), new Scorer(), new Constant());
        var application = Host.CreateEmptyApplicationBuilder(null);
        application.Services.AddSingleton<ILoggerFactory>(log).AddSingleton(typeof(ILogger<>), typeof(Logger<>))
            .AddSingleton<IItemScorer>(prior);
        application.Services.Configure<RecommenderOptions>(options => options.BatchSize = 3);
        application.Services.AddMiniOneRec().AddRecommender(Folder, options => options.MaxHistoryItems = 4).UseFallback(fallback);
        GenerativeRecommender recommender;
        using (var host = application.Build())
        {
            await host.StartAsync();
            recommender = host.Services.GetRequiredService<GenerativeRecommender>();

            Assert.Equal((7, 4, 3), (recommender.Options.BeamWidth, recommender.Options.MaxHistoryItems, recommender.Options.BatchSize));
            Assert.Same(prior, recommender.Prior);
            Assert.Same(fallback, recommender.Fallback);
            Assert.Same(recommender, host.Services.GetRequiredService<IRecommender>());
            Assert.Equal("constant", (await recommender.RecommendAsync([], 1)).Items[0].ItemId);
            recommender.Swap(Index);
            Assert.Contains(log.Written, message => message.Contains("3 items", StringComparison.Ordinal));
            await host.StopAsync();
        }

        await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => recommender.RecommendAsync(["a"], 1));
    }

    [Fact]
    public async Task Host_WithAMissingFolder_DoesNotStartAndNamesIt()
    {
        string missing = Path.Combine(_root, "nowhere");
        var application = Host.CreateEmptyApplicationBuilder(null);
        application.Services.AddMiniOneRec().AddRecommender(missing);
        using var host = application.Build();

        var error = await Assert.ThrowsAsync<DirectoryNotFoundException>(() => host.StartAsync());

        Assert.Contains(missing, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Host_WithBrokenOptions_DoesNotStart()
    {
        var application = Host.CreateEmptyApplicationBuilder(null);
        application.Services.AddMiniOneRec().AddRecommender(Folder, options => options.BeamWidth = 0);
        using var host = application.Build();

        Assert.Contains("BeamWidth", (await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync())).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task AddRecommender_WithNames_ServesEachUnderItsKeyWithItsOwnOptions()
    {
        var application = Host.CreateEmptyApplicationBuilder(null);
        application.Services.Configure<RecommenderOptions>("books", options => options.BatchSize = 9);
        application.Services.AddMiniOneRec(OptionsClasses.Json("""{ "Recommenders": { "books": { "BeamWidth": 6 } } }"""))
            .AddRecommender("books", Folder).AddRecommender("toys", Folder, options => options.BeamWidth = 5).AddRecommender(Folder)
            .UsePrior(new Scorer(), "toys");
        using var host = application.Build();
        await host.StartAsync();

        var books = host.Services.GetRequiredKeyedService<GenerativeRecommender>("books");
        var toys = Assert.IsType<GenerativeRecommender>(host.Services.GetRequiredKeyedService<IRecommender>("toys"));
        var unnamed = host.Services.GetRequiredService<GenerativeRecommender>();

        Assert.Equal((6, 9, "books"), (books.Options.BeamWidth, books.Options.BatchSize, books.Name));
        Assert.Equal((5, 32), (toys.Options.BeamWidth, toys.Options.BatchSize));
        Assert.Equal(7, unnamed.Options.BeamWidth);
        Assert.Equal((true, false, true), (books.Prior is null, toys.Prior is null, unnamed.Prior is null));
        Assert.Equal(3, new[] { books, toys, unnamed }.Distinct().Count());
    }

    [Fact]
    public async Task AddRecommender_FromConfiguration_ReadsFolderAndOptions()
    {
        string path = Folder.Replace("\\", "\\\\", StringComparison.Ordinal);
        var configuration = OptionsClasses.Json($$"""{ "Serving": { "Folder": "{{path}}", "BeamWidth": 4 } }""").GetSection("Serving");
        var services = new ServiceCollection();
        services.AddMiniOneRec().AddRecommender(configuration);
        await using var app = services.BuildServiceProvider();

        Assert.Equal(4, app.GetRequiredService<GenerativeRecommender>().Options.BeamWidth);
        Assert.Contains("'Folder'", Assert.Throws<InvalidOperationException>(
            () => new ServiceCollection().AddMiniOneRec().AddRecommender(OptionsClasses.Json("{}"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AddRecommender_ASecondTime_IsRefusedWithBothNames()
    {
        var builder = new ServiceCollection().AddMiniOneRec().AddRecommender("one").AddRecommender("one").AddRecommender("name", "two");

        string unnamed = Assert.Throws<InvalidOperationException>(() => builder.AddRecommender("other")).Message;
        string named = Assert.Throws<InvalidOperationException>(() => builder.AddRecommender("name", "three")).Message;

        Assert.Contains("'one'", unnamed, StringComparison.Ordinal);
        Assert.Contains("'other'", unnamed, StringComparison.Ordinal);
        Assert.Contains("'two'", named, StringComparison.Ordinal);
        Assert.Contains("'three'", named, StringComparison.Ordinal);

        var own = new ServiceCollection();
        own.AddSingleton<IRecommender, Constant>();
        Assert.Contains(nameof(Constant),
            Assert.Throws<InvalidOperationException>(() => own.AddMiniOneRec().AddRecommender("one")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_WithoutAHostOnASingleThread_LoadsWithoutDeadlock()
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec().AddRecommender(Folder);
        using var app = services.BuildServiceProvider();
        IRecommender? resolved = null;
        var thread = new Thread(() =>
        {
            SynchronizationContext.SetSynchronizationContext(new OneThread());
            resolved = app.GetRequiredService<IRecommender>();
        });

        thread.Start();

        Assert.True(thread.Join(TimeSpan.FromSeconds(60)));
        Assert.IsType<GenerativeRecommender>(resolved);
    }

    [Fact]
    public async Task MinimalApi_TakesARequestAndReturnsAResult()
    {
        var application = WebApplication.CreateSlimBuilder();
        application.Logging.ClearProviders();
        application.Services.AddMiniOneRec().AddRecommender(Folder);
        await using var app = application.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapPost("/recommend", (RecommendationRequest request, IRecommender recommender, CancellationToken token) =>
            recommender.RecommendAsync(request, token));
        app.MapGet("/index", () => Index);
        await app.StartAsync();
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        using var client = new HttpClient { BaseAddress = new Uri(address) };

        using var body = new StringContent("""{ "history": ["a"], "count": 2, "excludedItems": ["b"] }""", System.Text.Encoding.UTF8, "application/json");
        using var response = await client.PostAsync(new Uri("/recommend", UriKind.Relative), body);
        string json = await response.Content.ReadAsStringAsync();

        Assert.True(response.IsSuccessStatusCode, json);
        var result = System.Text.Json.JsonSerializer.Deserialize<RecommendationResult>(json, System.Text.Json.JsonSerializerOptions.Web)!;
        Assert.Equal(2, result.Items.Count);
        Assert.DoesNotContain(result.Items, item => item.ItemId == "b");
        Assert.All(result.Items, item => Assert.Equal(Index[item.ItemId], item.SemanticId));
        Assert.Contains("\"semanticId\":\"", json, StringComparison.Ordinal);
        Assert.Contains("levelSizes", await client.GetStringAsync(new Uri("/index", UriKind.Relative)), StringComparison.Ordinal);
        await app.StopAsync();
    }

    private sealed class OneThread : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state)
        {
            // Nobody pumps: a continuation that needs this thread would wait for ever.
        }
    }

    private sealed class Scorer : IItemScorer
    {
        public IReadOnlyList<string> Items { get; } = ["a", "b", "c"];

        public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores) => scores.Fill(1);
    }

    private sealed class Constant : IRecommender
    {
        public string Name => "constant";

        public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(IReadOnlyList<RecommendationRequest> requests,
            CancellationToken cancellationToken = default) =>
            Task.FromResult<IReadOnlyList<RecommendationResult>>([.. requests.Select(_ => new RecommendationResult([new("constant", 0)]))]);
    }
}

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling.Tests;

/// <summary>Hosts of changing models in an application's container: loaded at the start, with all that the application gives every
/// version.</summary>
public sealed class RecommenderHostRegistrationTests : IAsyncLifetime, IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("minionerec-").FullName;

    private string First => Path.Combine(_root, "shop-1");

    private string Second => Path.Combine(_root, "shop-2");

    public async Task InitializeAsync()
    {
        foreach (var (folder, seed) in new[] { (First, 1), (Second, 2) })
        {
            using var made = ServingToy.Make(new RecommenderOptions { BeamWidth = 7, MaxHistoryItems = 5 }, seed: seed);
            await made.SaveAsync(folder);
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Start_LoadsTheFirstVersion_AndLaterOnesGetTheSameParts()
    {
        var prior = new ServingToy.Scoring(_ => 1);
        using var fallback = new ServingToy.Answering("fallback");
        var services = new ServiceCollection();
        services.Configure<RecommenderOptions>(options => options.BatchSize = 3);
        services.AddMiniOneRec().AddRecommenderHost(First, host => host.KeepPrevious = true, options => options.MaxHistoryItems = 4)
            .UsePrior(prior).UseFallback(fallback);
        RecommenderHost host;
        await using (var app = services.BuildServiceProvider())
        {
            await StartAsync(app);
            host = app.GetRequiredService<RecommenderHost>();

            Assert.Same(host, app.GetRequiredService<IRecommender>());
            Assert.Null(app.GetService<GenerativeRecommender>());
            Assert.Equal((true, "shop-1"), (host.IsReady, host.ActiveVersion));
            Expect(host);
            await host.SwapAsync(Second);
            Assert.Equal(("shop-2", "shop-1"), (host.ActiveVersion, host.PreviousVersion));
            Expect(host);
            Assert.Equal("fallback", (await host.RecommendAsync([], 1)).Items[0].ItemId);
            await StartAsync(app);
            Assert.Equal("shop-2", host.ActiveVersion);
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(() => host.RecommendAsync(["a"], 1));
        Assert.False(fallback.IsDisposed);                                 // an instance stays the application's

        void Expect(RecommenderHost serving)
        {
            var active = Assert.IsType<GenerativeRecommender>(serving.Active);
            Assert.Equal((7, 4, 3), (active.Options.BeamWidth, active.Options.MaxHistoryItems, active.Options.BatchSize));
            Assert.Same(prior, active.Prior);
            Assert.Same(fallback, active.Fallback);
        }
    }

    [Fact]
    public async Task Configuration_SetsHostAndRecommenderOptions()
    {
        var section = Configuration(
            ("Shop:Folder", First), ("Shop:KeepPrevious", "true"), ("Shop:PendingOnDispose", "Cancel"),
            ("Shop:Recommender:BeamWidth", "4"));
        var services = new ServiceCollection();
        services.AddMiniOneRec().AddRecommenderHost(section.GetSection("Shop"), "shop");
        await using var app = services.BuildServiceProvider();
        await StartAsync(app);

        var host = app.GetRequiredKeyedService<RecommenderHost>("shop");
        Assert.Same(host, app.GetRequiredKeyedService<IRecommender>("shop"));
        Assert.Equal(("shop", 4), (host.Name, ((GenerativeRecommender)host.Active!).Options.BeamWidth));
        await host.SwapAsync(Second);
        Assert.Equal("shop-1", host.PreviousVersion);
        Assert.Contains("'Folder'", Assert.Throws<InvalidOperationException>(
            () => new ServiceCollection().AddMiniOneRec().AddRecommenderHost(Configuration(("A:B", "c")).GetSection("A")))
            .Message.Replace("A:", "", StringComparison.Ordinal),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("RecommenderHost:KeepPreviuos", "KeepPrevious")]
    [InlineData("RecommenderHost:Recommender:BeamWith", "BeamWidth")]
    [InlineData("RecommenderHost:WarmUp", "is code")]
    [InlineData("RecommenderHosts:other:KeepPrevious", "other")]
    [InlineData("Recommender:BeamWidth", "AddRecommender")]
    public async Task Configuration_KeyThatNothingReads_StopsTheStart(string key, string expected)
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec(Configuration(($"MiniOneRec:{key}", "1"))).AddRecommenderHost(First).AddRecommenderHost("named", Second);
        await using var app = services.BuildServiceProvider();

        var error = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            app.GetService<IStartupValidator>()?.Validate();
            await StartAsync(app);
        });

        Assert.True(error is OptionsValidationException or AggregateException, error.ToString());

        Assert.Contains($"'MiniOneRec:{key.Split(":Keep")[0].Split(":Beam")[0]}", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Device_IsTheSharedOneUnlessSet()
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec(options => options.Device = "cuda:7").AddRecommenderHost("a", First)
            .AddRecommenderHost("b", First, host => host.Device = "cpu");
        await using var app = services.BuildServiceProvider();

        var options = app.GetRequiredService<IOptionsMonitor<RecommenderHostOptions>>();

        Assert.Equal(("cuda:7", "cpu"), (options.Get("a").Device, options.Get("b").Device));
    }

    [Fact]
    public async Task Start_FolderThatCannotServe_StopsItAndNamesThePath()
    {
        string missing = Path.Combine(_root, "nowhere");
        var services = new ServiceCollection();
        services.AddMiniOneRec().AddRecommenderHost(missing);
        await using var app = services.BuildServiceProvider();

        var error = await Assert.ThrowsAsync<DirectoryNotFoundException>(() => StartAsync(app));

        Assert.Contains(missing, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SecondRegistration_IsRefusedWithBothFolders()
    {
        var builder = new ServiceCollection().AddMiniOneRec().AddRecommenderHost("one").AddRecommenderHost("one")
            .AddRecommender("name", "two");

        Expect(() => builder.AddRecommenderHost("other"), "'one'", "'other'");
        Expect(() => builder.AddRecommender("one"), "in a host", "'one'");
        Expect(() => builder.AddRecommenderHost("name", "two"), "'two'", "'name'");

        static void Expect(Func<object> registration, params string[] parts)
        {
            string message = Assert.Throws<InvalidOperationException>(() => _ = registration()).Message;
            Assert.All(parts, part => Assert.Contains(part, message, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task PriorOrFallbackOfANameThatNobodyRegistered_StopsTheStart()
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec().AddRecommender("books", First).UsePrior(new ServingToy.Scoring(_ => 1), "boks")
            .UseFallback(new ServingToy.Answering("x"), "toys");
        await using var app = services.BuildServiceProvider();

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(app));

        Assert.Contains("'boks'", error.Message, StringComparison.Ordinal);
        Assert.Contains("'books'", error.Message, StringComparison.Ordinal);
    }

    private static IConfigurationRoot Configuration(params (string Key, string Value)[] values) =>
        new ConfigurationBuilder().AddInMemoryCollection(values.Select(value => KeyValuePair.Create(value.Key, (string?)value.Value)))
            .Build();

    private static async Task StartAsync(IServiceProvider app)
    {
        foreach (var service in app.GetServices<IHostedService>())
        {
            await service.StartAsync(default);
        }
    }
}

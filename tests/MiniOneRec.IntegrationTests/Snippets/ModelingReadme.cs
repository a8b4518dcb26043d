using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using MiniOneRec;
using MiniOneRec.Modeling;

namespace MiniOneRec.IntegrationTests.Snippets;

internal static class ModelingReadme
{
    public static async Task Run()
    {
        using var recommender = await GenerativeRecommender.LoadAsync("artifacts/model");
        var result = await recommender.RecommendAsync(new RecommendationRequest
        {
            History = ["B00012", "B00931"],
            Count = 5,
            ExcludedItems = new HashSet<string> { "B00012" },
        });
        foreach (var item in result.Items)
        {
            System.Console.WriteLine($"{item.ItemId} {item.SemanticId} {item.Score:F3}");
        }
    }

    public static async Task Views()
    {
        using var model = await SemanticIdModel.LoadAsync("models/shop");            // also a folder that a recommender saved
        using var books = new GenerativeRecommender(model, new RecommenderOptions { ExcludeHistory = true });
        using var food = new GenerativeRecommender(model, new RecommenderOptions { HistoryPenalty = 0.5 });
    }

    public static async Task Host()
    {
        await using var host = new RecommenderHost(new RecommenderHostOptions { KeepPrevious = true });
        await host.SwapAsync("models/shop-1");                               // ready from here on
        host.Swapped += (_, told) => System.Console.WriteLine($"{told.Previous} -> {told.Version}");
        await host.SwapAsync("models/shop-2");                               // requests go on meanwhile
        await host.RollbackAsync();                                          // shop-1 serves again; KeepPrevious kept it
        System.Console.WriteLine($"{host.IsReady} {host.ActiveVersion}");
    }

    public static void Register(IServiceCollection services, IConfiguration configuration)
    {
        services.AddMiniOneRec(configuration)
            .AddRecommenderHost("models/shop-1", host => host.KeepPrevious = true)   // IRecommender and RecommenderHost
            .AddRecommenderHost(configuration.GetSection("Books"), "books");         // [FromKeyedServices("books")] RecommenderHost
    }
}

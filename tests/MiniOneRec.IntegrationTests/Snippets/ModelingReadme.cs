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
}

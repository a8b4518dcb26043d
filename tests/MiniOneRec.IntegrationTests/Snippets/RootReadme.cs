using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Tokenization;

namespace MiniOneRec.IntegrationTests.Snippets;

internal static class RootReadme
{
    public static async Task Program()
    {
        NativeTuning.Apply();
        var data = new LeaveOneOutSplit().Split(DemoCatalogue.Create());
        using var encoder = new TfIdfEncoder();
        using var quantizer = new RqVaeQuantizer(new RqVaeOptions { CodebookSizes = [32, 32, 32], Training = new() { Epochs = 200 } });
        var index = await new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(data.Items);
        using var recommender = await new GenerativeRecommenderFactory().CreateAsync(index);
        await new SftTrainer(new SftOptions { Epochs = 20 }).TrainAsync(recommender, data.TrainSequences, data.Validation);
        await recommender.SaveAsync("artifacts/demo");
        var result = await recommender.RecommendAsync(new RecommendationRequest { History = ["espresso-1a", "espresso-1b"], Count = 5, ExcludeHistory = true });
        Console.WriteLine(string.Join('\n', result.Items.Select(item => $"{item.Score,7:F2}  {item.SemanticId}  {item.ItemId}")));
    }
}

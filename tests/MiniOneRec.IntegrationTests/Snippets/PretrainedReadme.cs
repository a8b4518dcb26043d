using MiniOneRec;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using TorchSharp;

namespace MiniOneRec.IntegrationTests.Snippets;

internal static class PretrainedReadme
{
    public static async Task Run(SemanticIdIndex index, IReadOnlyList<Item> items)
    {
        var modeling = new ModelingOptions { PretrainedPath = "models/Qwen2.5-0.5B", Template = PromptFormat.Alpaca };
        using var recommender = await new GenerativeRecommenderFactory(modeling).CreateAsync(index, items);
        await recommender.SaveAsync("models/shop");                          // after training
        using var served = await GenerativeRecommender.LoadAsync("models/shop");
    }

    public static GenerativeRecommenderFactory Rows(ModelingOptions modeling, IReadOnlyList<torch.Tensor> codebooks)
    {
        var factory = new GenerativeRecommenderFactory(modeling) { Pretrained = new PretrainedModels { RowInitializer = new CodebookRows(codebooks) } };
        return factory;
    }
}

using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Tokenization;

namespace MiniOneRec.IntegrationTests.Snippets;

internal static class AlignmentReadme
{
    /// <summary>The program of the package's README.</summary>
    /// <param name="args">A GGUF file and a folder for what is made.</param>
    public static async Task<RecommendationResult> PretrainedAsync(string[] args)
    {
        NativeTuning.Apply();
        var shop = new LeaveOneOutSplit().Split(DemoCatalogue.Create(new DemoCatalogueOptions { Users = 200 }));
        using var encoder = new TfIdfEncoder();
        using var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [32, 32, 32], Balanced = true });
        var index = await new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(shop.Items);
        var titles = shop.Items.ToDictionary(item => item.Id, item => item.Title);

        using var file = GgufFile.Open(args[0]);                                 // SmolLM2-135M-Instruct.Q4_1.gguf: weights, tokenizer, chat template
        var plain = file.ReadTokenizer();
        var tokenizer = plain.WithSemanticIds(index.LevelSizes, out var codes);
        var model = VocabularyExtension.Extend(file.LoadDecoder(), codes, plain.VocabularySize, new ItemTextRows(index, titles, plain));
        var template = new ChatTemplate(tokenizer, index.LevelSizes);            // or AlpacaTemplate, the reference's prompts
        using var recommender = new GenerativeRecommender(model, index, template, new RecommenderOptions { ExcludeHistory = true });

        var options = new SftOptions
        {
            MaxSteps = 6, BatchSize = 4, WarmupSteps = 0, LearningRate = 1e-3, Dropout = 0,     // a taste; an epoch takes hours on a CPU
            Lora = new LoraOptions { Rank = 16, SaveTo = Path.Combine(args[1], "adapters") },  // the rows of the codes are trained beside it
        };
        var data = new AlignmentData(index, shop.TrainSequences) { Items = shop.Items };
        var result = await new SftTrainer([new NextItemTask(), new TitleToSidTask(), new SidToTitleTask { Weight = 0.5 }], options).TrainAsync(recommender, data);
        Console.WriteLine($"{result.StopReason} after {result.Steps} steps");

        var answer = await recommender.RecommendAsync(new RecommendationRequest { History = ["espresso-1a", "espresso-1b"], Count = 5 });
        Console.WriteLine(string.Join('\n', answer.Items.Select(item => $"{item.Score,7:F2}  {item.SemanticId}  {titles[item.ItemId]}")));
        await recommender.SaveAsync(Path.Combine(args[1], "model"));              // GenerativeRecommender.LoadAsync serves it again
        return answer;
    }
}

using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;

namespace MiniOneRec.IntegrationTests.Snippets;

internal static class PretrainedWay
{
    /// <summary>The paper's way on a pretrained model, as the README of the metapackage shows it.</summary>
    /// <param name="path">The pretrained model.</param>
    /// <param name="output">The folder for the model.</param>
    /// <param name="users">How many users the shop has.</param>
    /// <param name="steps">Steps of supervised training.</param>
    /// <param name="reinforcementSteps">Steps of GRPO.</param>
    public static async Task<EvaluationReport> RunAsync(string path, string output, int users, int steps, int reinforcementSteps)
    {
        NativeTuning.Apply();
        var data = new LeaveOneOutSplit(maxHistory: 10).Split(DemoCatalogue.Create(new DemoCatalogueOptions { Users = users }));
        using var encoder = new TfIdfEncoder();
        using var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [32, 32, 32], Balanced = true });
        var index = await new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(data.Items);

        var modeling = new ModelingOptions { PretrainedPath = path, Template = PromptFormat.Chat };     // a folder or a .gguf file: 0.5B or 7B
        using var recommender = await new GenerativeRecommenderFactory(modeling).CreateAsync(index, data.Items);

        var train = new AlignmentData(index, data.TrainSequences) { Items = data.Items };
        var sft = new SftOptions { MaxSteps = steps, BatchSize = 16, LearningRate = 1e-3, Dropout = 0, Lora = new LoraOptions() };
        await new SftTrainer(AlignmentTasks.Paper("products"), sft).TrainAsync(recommender, train, data.Validation);

        var grpo = new GrpoOptions { Steps = reinforcementSteps, PromptsPerStep = 16, GroupSize = 16, LearningRate = 1e-5 };
        await new GrpoTrainer([new ExactMatchReward(), new RankReward()], grpo).TrainAsync(recommender, data.Train, data.Validation);

        var report = await new RecommendationEvaluator().EvaluateAsync(recommender, data.Test);
        Console.WriteLine($"HR@10 {report["HR", 10]:F4}, NDCG@10 {report["NDCG", 10]:F4}");
        await recommender.SaveAsync(output);                                 // GenerativeRecommender.LoadAsync serves it
        return report;
    }
}

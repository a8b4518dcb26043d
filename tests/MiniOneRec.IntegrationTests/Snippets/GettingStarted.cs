using Microsoft.Extensions.DependencyInjection;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;

namespace MiniOneRec.IntegrationTests.Snippets;

internal static class GettingStarted
{
    public static async Task Train()
    {
        NativeTuning.Apply();                                        // allocator and OpenMP settings; an application's first line
        var interactions = await InteractionDataset.LoadAsync("shop.inter.json", itemsPath: "shop.item.json");
        var data = new LeaveOneOutSplit().Split(interactions);

        using var encoder = new TfIdfEncoder();                      // or any IEmbeddingGenerator<string, Embedding<float>>
        using var quantizer = new RqVaeQuantizer(new RqVaeOptions { CodebookSizes = [256, 256, 256] });
        var index = await new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(data.Items);
        await index.SaveAsync("shop.index.json");

        var popularity = new PopularityRecommender(data.TrainSequences, index.Items);
        using var recommender = await new GenerativeRecommenderFactory().CreateAsync(index, popularity.Counts);
        var trained = await new SftTrainer().TrainAsync(recommender, data.TrainSequences, data.Validation);
        Console.WriteLine($"Best NDCG@10 on validation {trained.BestValidation:F4} at step {trained.BestStep} of {trained.Steps}");
        await recommender.SaveAsync("models/shop-sft");

        IRewardFunction[] rewards = [new ExactMatchReward(), new RankReward()];
        await new GrpoTrainer(rewards, new GrpoOptions { Steps = 200 }).TrainAsync(recommender, data.Train, data.Validation);
        await recommender.SaveAsync("models/shop");

        var evaluator = new RecommendationEvaluator();
        var catalog = new EvaluationCatalog(index, data.TrainSequences);
        var rules = await evaluator.EvaluateAsync(new SequentialRulesRecommender(data.TrainSequences, index.Items), data.Test, catalog);
        var ours = await evaluator.EvaluateAsync(recommender, data.Test, catalog);
        Console.WriteLine(ours.ToMarkdown());
        var gain = PairedComparison.Create(rules, ours, new Ndcg(), cutoff: 10);
        Console.WriteLine($"NDCG@10 against sequential rules: {gain.Difference:+0.0000;-0.0000}, established: {gain.IsEstablished}");
    }

    public static async Task<RecommendationResult> Serve(IReadOnlySet<string> inStock)
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec().AddRecommender("models/shop");
        await using var provider = services.BuildServiceProvider();
        var served = provider.GetRequiredService<IRecommender>();
        var result = await served.RecommendAsync(new RecommendationRequest
        {
            History = ["B00012", "B00931"],
            Count = 10,
            ExcludedItems = new HashSet<string> { "B00012" },
            CandidateFilter = item => inStock.Contains(item),
        });
        return result;
    }

    public static void Gpu(IServiceCollection services)
    {
        services.AddMiniOneRec(options => options.Device = "cuda:0");
    }
}

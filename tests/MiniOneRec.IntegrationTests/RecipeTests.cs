using Microsoft.Extensions.DependencyInjection;
using MiniOneRec.Alignment;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;

namespace MiniOneRec.IntegrationTests;

/// <summary>The whole recipe as an application with a container writes it.</summary>
public sealed class RecipeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-recipe-").FullName;

    [Fact]
    public async Task Recipe_ThroughTheContainer_LearnsIsServedAndAnswersAlike()
    {
        var data = new LeaveOneOutSplit().Split(DemoCatalogue.Create(new DemoCatalogueOptions { Users = 400 }));
        var services = new ServiceCollection();
        services.AddMiniOneRec(o => o.Seed = 7)
            .AddTokenization(configureQuantizer: o =>
                (o.CodebookSizes, o.HiddenWidths, o.LatentWidth, o.Training.Epochs) = ([16, 16, 16], [32], 8, 60))
            .AddModeling(o => o.HiddenSize = 32)
            .AddAlignment(o => (o.Epochs, o.BatchSize, o.WarmupSteps, o.LearningRate, o.Dropout, o.Validations, o.ValidationExamples) =
                (20, 16, 10, 5e-3, 0, 2, 100))
            .AddReinforcement(o => (o.Steps, o.PromptsPerStep, o.GroupSize) = (3, 8, 8))
            .AddReward<ExactMatchReward>()
            .AddReward<RankReward>()
            .AddEvaluation(o => (o.Cutoffs, o.BootstrapSamples) = ([1, 10], 0));
        await using var app = services.BuildServiceProvider();

        var index = await app.GetRequiredService<SemanticIdTokenizer>().TokenizeAsync(data.Items);
        using var recommender = await app.GetRequiredService<GenerativeRecommenderFactory>().CreateAsync(index);
        var evaluator = app.GetRequiredService<RecommendationEvaluator>();
        var test = data.Test.Take(200).ToArray();
        var before = await evaluator.EvaluateAsync(recommender, test);
        var sft = await app.GetRequiredService<SftTrainer>().TrainAsync(recommender, data.TrainSequences, data.Validation);
        var grpo = await app.GetRequiredService<GrpoTrainer>().TrainAsync(recommender, data.Train, data.Validation.Take(100).ToArray());
        var after = await evaluator.EvaluateAsync(recommender, test);
        await recommender.SaveAsync(_folder);

        Assert.True(sft.Steps > 0 && grpo.Steps == 3);
        Assert.True(after.Item["HR", 10] > 2 * before.Item["HR", 10],
            $"HR@10 {before.Item["HR", 10]} before and {after.Item["HR", 10]} after training.");

        var serving = new ServiceCollection();
        serving.AddMiniOneRec().AddRecommender(_folder);
        await using var server = serving.BuildServiceProvider();
        var served = server.GetRequiredService<IRecommender>();
        RecommendationRequest[] requests = [.. test.Take(20).Select(row => new RecommendationRequest { History = row.History, Count = 5 })];

        // One by one, so that both answer the same batches.
        foreach (var request in requests)
        {
            var expected = await recommender.RecommendAsync([request]);
            var answers = await served.RecommendAsync([request]);

            Assert.Equal(Assert.Single(expected).Items, Assert.Single(answers).Items);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}

using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using TorchSharp;

namespace MiniOneRec.IntegrationTests;

/// <summary>Trainers need no recommender: a model alone ends with the same weights.</summary>
public sealed class SemanticIdModelTests
{
    private static readonly SemanticIdIndex Index =
        new(Enumerable.Range(0, 16).Select(i => KeyValuePair.Create($"i{i}", new SemanticId(i % 4, i / 4))), [4, 4]);

    private static readonly UserSequence[] Users =
        [.. Enumerable.Range(0, 8).Select(u => new UserSequence($"u{u}", [.. Enumerable.Range(0, 5).Select(t => $"i{(u * 3 + t) % 16}")]))];

    private static readonly NextItemExample[] Rows =
        [.. Users.Select(user => new NextItemExample(user.UserId, [.. user.ItemIds.Take(4)], user.ItemIds[4]))];

    [Fact]
    public async Task Trainers_ModelOrRecommender_GiveTheSameWeights()
    {
        using var model = Make();
        using var alike = Make();
        using var recommender = new GenerativeRecommender(alike);

        await TrainAsync(
            sft => sft.TrainAsync(model, Users, Rows), grpo => grpo.TrainAsync(model, Rows, Rows),
            preference => preference.TrainAsync(model, Rows, Rows));
        await TrainAsync(
            sft => sft.TrainAsync(recommender, Users, Rows), grpo => grpo.TrainAsync(recommender, Rows, Rows),
            preference => preference.TrainAsync(recommender, Rows, Rows));

        Assert.Equal(Weights(alike), Weights(model));
        using var untrained = Make();
        Assert.NotEqual(Weights(untrained), Weights(model));
        Assert.Equal(8, (await recommender.RecommendAsync(Rows[0].History, 8)).Items.Count);      // the view sees the trained weights
    }

    private static async Task TrainAsync(
        Func<SftTrainer, Task<TrainingResult>> sft, Func<GrpoTrainer, Task<TrainingResult>> grpo, Func<PreferenceTrainer,
        Task<TrainingResult>> preference)
    {
        await sft(new SftTrainer(new SftOptions { Epochs = 2, BatchSize = 4, Validations = 2 }));
        var guards = new GuardOptions { ValidateEverySteps = 1, RequiredErrors = 0, KlCeiling = 0 };
        await grpo(new GrpoTrainer(
            [new ExactMatchReward(), new RankReward()],
            new GrpoOptions { Steps = 3, PromptsPerStep = 4, GroupSize = 4, LearningRate = 0.01, WarmupSteps = 0, Guards = guards }));
        await preference(new PreferenceTrainer(
            new PreferenceOptions { Steps = 2, PromptsPerStep = 4, LearningRate = 0.01, WarmupSteps = 0, Guards = guards }));
    }

    private static SemanticIdModel Make()
    {
        torch.random.manual_seed(5);
        var template = CompactTemplate.For(Index);
        return new SemanticIdModel(new DecoderModel(DecoderConfig.Small(template.VocabularySize, 16, 1)), template, Index);
    }

    private static float[] Weights(SemanticIdModel model) =>
        [.. model.Backbone.parameters().SelectMany(parameter => parameter.detach().data<float>().ToArray())];
}

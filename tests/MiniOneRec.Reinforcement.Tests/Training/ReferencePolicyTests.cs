using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>What the policy is held to: copies that move, a model of the caller's, and how strongly.</summary>
public sealed class ReferencePolicyTests
{
    private static readonly NextItemExample[] Users =
        [.. Enumerable.Range(0, 8).Select(u => new NextItemExample($"u{u}", [$"i{u}", $"i{u + 8}"], $"i{(u * 3) % 20}"))];

    [Fact]
    public void SyncAfter_EveryTwoSteps_MixesTheWeights()
    {
        using var policy = Toy.Model(20);
        using var reference = new ReferencePolicy(policy, new ReferenceOptions { SyncEverySteps = 2, SyncMixing = 0.25 }, null);
        float[] start = Values(policy);
        using (no_grad())
        {
            foreach (var parameter in policy.parameters())
            {
                parameter.add_(1);
            }
        }

        Assert.True(reference.EqualsPolicy);
        reference.PolicyMoved();
        reference.SyncAfter(1);
        Assert.Equal(start, Values(reference));
        reference.SyncAfter(2);
        Assert.All(start.Zip(Values(reference)), pair => Assert.Equal(pair.First + 0.25, pair.Second, 1e-5));
        Assert.False(reference.EqualsPolicy);
    }

    [Fact]
    public async Task TrainAsync_ReferenceOfTheCallers_IsMeasuredAgainstAndLeftAlone()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        using var reference = Toy.Model(recommender.Template.VocabularySize, seed: 8);
        float[] weights = Values(reference);

        var result = await new GrpoTrainer([new ExactMatchReward()], Options()) { Reference = reference }.TrainAsync(recommender, Users);

        Assert.True(result.History[1].Metrics["kl"] > 0.01, $"KL {result.History[1].Metrics["kl"]}");
        Assert.Equal(weights, Values(reference));
    }

    [Theory]
    [InlineData(KlPlacement.Loss, KlEstimator.K2)]
    [InlineData(KlPlacement.Loss, KlEstimator.K3)]
    [InlineData(KlPlacement.Reward, KlEstimator.K1)]
    [InlineData(KlPlacement.Reward, KlEstimator.K3)]
    public async Task TrainAsync_StrongPull_StaysNearer(KlPlacement placement, KlEstimator estimator)
    {
        var distance = new double[2];
        for (int run = 0; run < 2; run++)
        {
            using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
            var options = Options();
            (options.Steps, options.KlPlacement, options.KlEstimator, options.KlWeight) = (20, placement, estimator, run == 0 ? 0 : 2);
            var result = await new GrpoTrainer([new SharedPrefixReward()], options, new RandomRolloutSampler())
                .TrainAsync(recommender, Users);
            distance[run] = result.History.TakeLast(5).Average(step => step.Metrics["kl"]);
        }

        Assert.True(distance[1] < 0.7 * distance[0], $"KL {distance[1]:G3} pulled, {distance[0]:G3} free");
    }

    [Fact]
    public void Next_Target_MovesTheWeightTowardsIt()
    {
        var controller = new KlController(0.1);

        Assert.True(controller.Next(0.04, 0.5) > 0.04);
        Assert.True(controller.Next(0.04, 0.01) < 0.04);
        Assert.Equal(0.04, controller.Next(0.04, 0.1), 1e-12);
        Assert.Equal(0.04, controller.Next(0.04, double.NaN), 1e-12);
        Assert.Equal(0.04, new KlController(0).Next(0.04, 0.5), 1e-12);
    }

    private static GrpoOptions Options() => new()
    {
        Steps = 1, PromptsPerStep = 8, GroupSize = 6, LearningRate = 5e-3, WarmupSteps = 0, Guards = new GuardOptions { KlCeiling = 0 },
    };

    private static float[] Values(nn.Module model) =>
        [.. model.parameters().SelectMany(parameter => parameter.detach().data<float>().ToArray())];

    private static float[] Values(ReferencePolicy reference) =>
        [.. reference.State("").SelectMany(pair => pair.Value.detach().data<float>().ToArray())];
}

using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class GrpoTrainerTests
{
    [Theory]
    [InlineData(PolicyObjective.Grpo)]
    [InlineData(PolicyObjective.DrGrpo)]
    [InlineData(PolicyObjective.Dapo)]
    [InlineData(PolicyObjective.Gspo)]
    [InlineData(PolicyObjective.OnPolicy)]
    public async Task TrainAsync_Bandit_ReachesTheOptimumFromFiveSeeds(PolicyObjective objective)
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            using var recommender = Toy.Recommender(Toy.Index(50, [4, 4, 4]), seed, deviation: 0.05);
            var options = Options(objective, steps: 60, seed);
            var trainer = new GrpoTrainer([new BanditReward()], options, new RandomRolloutSampler());

            var result = await trainer.TrainAsync(recommender, [Toy.Example("i0", "i1")]);

            double expected = result.History.TakeLast(5).Average(step => step.Metrics["reward"]);
            Assert.True(expected >= 0.95, $"{objective}, seed {seed}: mean reward {expected:F3} after {options.Steps} steps");
        }
    }

    private static GrpoOptions Options(PolicyObjective objective, int steps, int seed) => new()
    {
        Objective = objective,
        Steps = steps,
        PromptsPerStep = 4,
        GroupSize = 16,
        LearningRate = 0.02,
        WarmupSteps = 0,
        KlWeight = 0,
        Seed = seed,
        Guards = new GuardOptions { KlCeiling = 0 },
    };

    /// <summary>Item i pays 1 − i / 50: the first item is the optimum.</summary>
    private sealed class BanditReward : IRewardFunction
    {
        public string Name => "bandit";

        public void Score(RolloutGroup group, Span<double> rewards)
        {
            for (int i = 0; i < rewards.Length; i++)
            {
                rewards[i] = 1 - int.Parse(group.CandidateIds[i]![1..], System.Globalization.CultureInfo.InvariantCulture) / 50.0;
            }
        }
    }
}

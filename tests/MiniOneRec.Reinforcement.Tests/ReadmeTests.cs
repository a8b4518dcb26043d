using MiniOneRec.Tests;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class ReadmeTests
{
    [Fact]
    public async Task Example_Runs()
    {
        var lines = new List<string>();
        var Console = new { WriteLine = (Action<string>)lines.Add };
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        NextItemExample[] train = [Toy.Example("i3", "i1", "i2"), Toy.Example("i4", "i2")], validation = train;
        var vectors = Enumerable.Range(0, 20).Select(i => new KeyValuePair<string, ReadOnlyMemory<float>>($"i{i}", new float[] { i, 1 }));

        #region README
        IRewardFunction[] rewards = [new ExactMatchReward(), new RankReward(), new WeightedReward(new SemanticReward(vectors), 0.2)];
        var options = new GrpoOptions
        {
            Steps = 20,
            GroupSize = 16,
            LearningRate = 2e-5,
            Guards = new GuardOptions { ValidateEverySteps = 10, KlCeiling = 0.5, Patience = 3 },
        };
        var result = await new GrpoTrainer(rewards, options).TrainAsync(recommender, train, validation);

        Console.WriteLine($"{result.Steps} steps, {result.StopReason}; the best weights are those of step {result.BestStep}");
        Console.WriteLine($"hits in {result.History[^1].Metrics["group_hit_rate"]:P0} of the groups, KL {result.History[^1].Metrics["kl"]:F4}");
        #endregion

        Assert.StartsWith("20 steps, completed", lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Example_StandsInTheReadme() => Snippets.AssertReadme("MiniOneRec.Reinforcement",
        "tests/MiniOneRec.Reinforcement.Tests/ReadmeTests.cs");
}

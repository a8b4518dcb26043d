namespace MiniOneRec.Reinforcement.Tests;

public sealed class HeldOutFiguresTests
{
    [Fact]
    public void Over_PairedRows_GivesMeanAndStandardError()
    {
        // The fifth row's target is unknown: no gain before or after.
        var figures = new HeldOutFigures(new Dictionary<string, double> { ["NDCG@10"] = 0.5 }, [1, 0.5, 0, 1], 5) { Value = 0.5 };

        var (mean, error) = figures.Over([0, 0.5, 0, 1]);

        double[] differences = [1, 0, 0, 0, 0];
        double variance = differences.Sum(difference => (difference - 0.2) * (difference - 0.2)) / 4;
        Assert.Equal(0.2, mean, 1e-12);
        Assert.Equal(Math.Sqrt(variance / 5), error, 1e-12);
        Assert.Equal(0.5, figures.Ndcg10, 1e-12);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(100, false)]
    public async Task TrainAsync_RequiredErrors_DecideWhetherTheStartIsGivenUp(double required, bool givenUp)
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        NextItemExample[] users =
            [.. Enumerable.Range(0, 8).Select(u => new NextItemExample($"u{u}", [$"i{u}", $"i{u + 8}"], $"i{(u * 3) % 20}"))];
        var options = new GrpoOptions
        {
            Steps = 20, PromptsPerStep = 8, LearningRate = 0.01, WarmupSteps = 0,
                Guards = new GuardOptions { ValidateEverySteps = 5, KlCeiling = 0, RequiredErrors = required },
        };

        var result = await new GrpoTrainer([new ExactMatchReward(), new RankReward()], options).TrainAsync(recommender, users, users);

        Assert.Equal(givenUp, result.BestStep > 0);
        Assert.True(result.History[^1].Metrics["validation_gain"] > 0);
    }
}

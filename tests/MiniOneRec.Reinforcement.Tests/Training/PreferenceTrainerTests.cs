using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class PreferenceTrainerTests
{
    private static readonly NextItemExample[] Users =
        [.. Enumerable.Range(0, 8).Select(u => new NextItemExample($"u{u}", [$"i{u}", $"i{u + 8}"], $"i{(u * 3) % 20}"))];

    [Theory]
    [InlineData(1, RejectedSource.Random)]
    [InlineData(5, RejectedSource.Random)]
    [InlineData(1, RejectedSource.Rollouts)]
    [InlineData(5, RejectedSource.Rollouts)]
    public async Task TrainAsync_EightUsers_LearnsToPreferTheirTargets(int rejected, RejectedSource source)
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4], mixedDepth: true));
        var options = new PreferenceOptions
        {
            Steps = 60,
            PromptsPerStep = 8,
            GroupsPerPass = 3,
            RejectedCount = rejected,
            Rejected = source,
            LearningRate = 3e-3,
            WarmupSteps = 0,
            Guards = new GuardOptions { KlCeiling = 0, ValidateEverySteps = 10 },
        };

        var result = await new PreferenceTrainer(options).TrainAsync(recommender, Users, Users);

        Assert.Equal(rejected == 1 ? Math.Log(2) : Math.Log(1 + rejected), result.History[1].Metrics["loss"], 1e-5);
        Assert.Equal(0, result.History[1].Metrics["kl"], 1e-9);
        Assert.True(result.History[^1].Metrics["accuracy"] >= 0.9, $"accuracy {result.History[^1].Metrics["accuracy"]}");
        var last = result.History[^1].Metrics;
        Assert.InRange(last["length"], last["length_min"], last["length_max"]);
        Assert.True(last["tokens_per_second"] >= last["prompts_per_second"] * last["length_min"]);
        Assert.True(result.BestValidation > result.History[0].Metrics["NDCG@10"] + 0.2,
            $"{result.History[0].Metrics["NDCG@10"]} to {result.BestValidation}");
    }

    [Fact]
    public async Task TrainAsync_TooFewSemanticIds_NamesBothNumbers()
    {
        using var recommender = Toy.Recommender(Toy.Index(4, [4, 4]));
        var error = await Assert.ThrowsAsync<ArgumentException>(
            () => new PreferenceTrainer(new PreferenceOptions { RejectedCount = 4 }).TrainAsync(recommender, [Toy.Example("i0", "i1")]));
        Assert.Contains("RejectedCount 4 needs at least 5 semantic IDs; the catalogue has 4", error.Message, StringComparison.Ordinal);
    }
}

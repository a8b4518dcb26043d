using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines.Tests;

public sealed class HstuTrainerTests
{
    private static HstuOptions Small => new()
    {
        HiddenSize = 16, Layers = 1, Heads = 2, MaxLength = 6, BatchSize = 4, Dropout = 0, LearningRate = 5e-3, MaxEpochs = 60,
        Patience = 60, Negatives = 6,
    };

    // Every user takes the same items; what comes last depends on how much time passed.
    private static IReadOnlyList<UserSequence> Timed { get; } = [.. Enumerable.Range(0, 8).Select(user =>
        new UserSequence("u" + user, ["a", "b", user % 2 == 0 ? "soon" : "late"])
        {
            Timestamps = [0, user % 2 == 0 ? 10 : 1_000_000, user % 2 == 0 ? 20 : 2_000_000],
        })];

    [Theory]
    [InlineData(NextItemLoss.SampledSoftmax)]
    [InlineData(NextItemLoss.FullSoftmax)]
    public async Task Train_EightUsers_LearnsTheRingAndSurvivesAFolder(NextItemLoss loss)
    {
        using var folder = new TemporaryFolder();
        var options = Small;
        options.Loss = loss;
        using var recommender = await new HstuTrainer(options).TrainAsync(Toy.Ring, Toy.RingSeen);

        await recommender.SaveAsync(folder.Path);
        using var loaded = Assert.IsType<HstuRecommender>(
            await BaselineScorers.Loaders.Single(loader => loader.Kind == "hstu").LoadAsync(folder.Path));

        Assert.Equal("hstu", recommender.Name);
        Assert.True(recommender.Training!.BestValidation > 0.95, $"NDCG@10 {recommender.Training.BestValidation}");
        Assert.Equal(Toy.Scores(recommender, "i1 i2", ""), Toy.Scores(loaded, "i1 i2", ""));
    }

    [Fact]
    public async Task Train_TimesThatDecide_AreLearnedAndSaved()
    {
        using var folder = new TemporaryFolder();
        using var recommender = await new HstuTrainer(Small).TrainAsync(Timed, []);
        await recommender.SaveAsync(folder.Path);
        using var loaded = await HstuRecommender.LoadAsync(folder.Path);

        var answers = await loaded.RecommendAsync(
        [
            new() { History = ["a", "b"], HistoryTimestamps = [0, 10], Count = 1 },
            new() { History = ["a", "unknown", "b"], HistoryTimestamps = [0, 5, 1_000_000], Count = 1 },
        ]);

        Assert.Equal(["soon", "late"], answers.Select(answer => answer.Items[0].ItemId));
    }

    [Fact]
    public async Task Train_TimesMissing_RefusesWhereTheyAreWanted()
    {
        var options = Small;
        options.TimeBias = true;

        var error = await Assert.ThrowsAsync<ArgumentException>(() => new HstuTrainer(options).TrainAsync(Toy.Ring, []));

        Assert.Contains("user 'u0' has 7 items and 0 times", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_OneItem_RefusesALossThatDrawsOthers()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => new HstuTrainer(Small).TrainAsync(Toy.Users("a a"), []));

        Assert.Contains("SampledSoftmax draws other items", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_Defaults_AreDocumented()
    {
        var options = new HstuOptions();

        Assert.Equal((50, 64, 0.2, 1e-3, 0.0, 128),
            (options.MaxLength, options.HiddenSize, options.Dropout, options.LearningRate, options.WeightDecay, options.BatchSize));
        Assert.Equal((2, 2, 0.05, null, NextItemLoss.SampledSoftmax, 128),
            (options.Layers, options.Heads, options.Temperature, options.TimeBias, options.Loss, options.Negatives));
        Assert.Equal((1, 3, 32), (new SasRecOptions().Negatives, new CaserOptions().Negatives, new Gru4RecOptions().Negatives));
    }

    [Fact]
    public void Options_OutOfRange_AllErrorsInOneMessage()
    {
        var error = Assert.Throws<OptionsValidationException>(() =>
            new HstuTrainer(new HstuOptions { Layers = 0, HiddenSize = 9, Temperature = 0, Negatives = 0, Loss = (NextItemLoss)9 }));

        Assert.All(["Layers", "HiddenSize 9 must be a multiple of Heads 2.", "Temperature", "Negatives", "Loss"],
            part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }
}

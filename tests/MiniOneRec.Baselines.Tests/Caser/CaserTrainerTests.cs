using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines.Tests;

public sealed class CaserTrainerTests
{
    [Fact]
    public async Task Train_EightUsers_LearnsTheRingAndSurvivesAFolder()
    {
        using var folder = new TemporaryFolder();
        var options = new CaserOptions { HiddenSize = 32, MaxLength = 6, BatchSize = 4, Dropout = 0, LearningRate = 1e-2, MaxEpochs = 80,
            Patience = 80, Heights = [1, 2] };
        using var recommender = await new CaserTrainer(options).TrainAsync(Toy.Ring, Toy.RingSeen);

        await recommender.SaveAsync(folder.Path);
        using var loaded = await CaserRecommender.LoadAsync(folder.Path);

        Assert.Equal("caser", recommender.Name);
        Assert.Equal(1, recommender.Training!.BestValidation, 6);
        Assert.Equal(Toy.Scores(recommender, "i1 i2", ""), Toy.Scores(loaded, "i1 i2", ""));
    }

    [Theory]
    [InlineData(new int[0], "Heights [] must hold at least one height, each from 1 to Window 5.")]
    [InlineData(new[] { 2, 6 }, "Heights [2, 6] must hold at least one height, each from 1 to Window 5.")]
    public void Options_BadHeights_NameBothSettings(int[] heights, string message)
    {
        var error =
            Assert.Throws<OptionsValidationException>(() => new CaserTrainer(new CaserOptions { Heights = heights, VerticalFilters = 0 }));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        Assert.Contains("VerticalFilters", error.Message, StringComparison.Ordinal);
    }
}

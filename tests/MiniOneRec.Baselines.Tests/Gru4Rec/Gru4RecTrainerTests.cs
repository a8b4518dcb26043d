using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines.Tests;

public sealed class Gru4RecTrainerTests
{
    [Fact]
    public async Task Train_EightUsers_LearnsTheRingAndSurvivesAFolder()
    {
        using var folder = new TemporaryFolder();
        var options = new Gru4RecOptions { HiddenSize = 32, MaxLength = 6, BatchSize = 4, Dropout = 0, LearningRate = 1e-2, MaxEpochs = 80,
            Patience = 80 };
        using var recommender = await new Gru4RecTrainer(options).TrainAsync(Toy.Ring, Toy.RingSeen);

        await recommender.SaveAsync(folder.Path);
        using var loaded = await Gru4RecRecommender.LoadAsync(folder.Path);

        Assert.Equal("gru4rec", recommender.Name);
        Assert.Equal(1, recommender.Training!.BestValidation, 6);
        Assert.Equal(Toy.Scores(recommender, "i1 i2", ""), Toy.Scores(loaded, "i1 i2", ""));
    }

    [Fact]
    public void Options_OutOfRange_AllErrorsInOneMessage()
    {
        var error = Assert.Throws<OptionsValidationException>(() => new Gru4RecTrainer(new Gru4RecOptions { Layers = 0, MaxLength = 0 }));

        Assert.Contains("Layers", error.Message, StringComparison.Ordinal);
        Assert.Contains("MaxLength", error.Message, StringComparison.Ordinal);
    }
}

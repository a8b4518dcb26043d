using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines.Tests;

public sealed class BaselinesRegistrationTests
{
    [Fact]
    public async Task AddSasRec_Twice_GivesOneTrainerWithBothSettings()
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec(o => o.Seed = 3).AddSasRec(o => o.MaxEpochs = 1).AddSasRec(o => o.HiddenSize = 8);
        await using var provider = services.BuildServiceProvider();

        using var recommender = await Assert.Single(provider.GetServices<SasRecTrainer>()).TrainAsync(Toy.Ring, []);

        Assert.Equal(1, recommender.Training!.Steps);
        Assert.True(recommender.ParameterCount < 3_000);
    }

    [Fact]
    public async Task AddEach_Trainers_AreThere()
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec().AddSasRec().AddGru4Rec().AddCaser().AddHstu();
        await using var provider = services.BuildServiceProvider();

        Assert.NotNull(provider.GetRequiredService<SasRecTrainer>());
        Assert.NotNull(provider.GetRequiredService<Gru4RecTrainer>());
        Assert.NotNull(provider.GetRequiredService<CaserTrainer>());
        Assert.NotNull(provider.GetRequiredService<HstuTrainer>());
    }

    [Fact]
    public void AddSasRec_BadOptions_FailLikeTheConstructor()
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec().AddSasRec(o => (o.HiddenSize, o.Dropout) = (9, 2));
        using var provider = services.BuildServiceProvider();

        var error = Assert.Throws<OptionsValidationException>(() => provider.GetRequiredService<SasRecTrainer>());

        Assert.Contains("HiddenSize 9 must be a multiple of Heads 2.", error.Message, StringComparison.Ordinal);
        Assert.Contains("Dropout", error.Message, StringComparison.Ordinal);
    }
}

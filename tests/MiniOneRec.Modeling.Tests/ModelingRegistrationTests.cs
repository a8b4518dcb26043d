using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling.Tests;

public sealed class ModelingRegistrationTests
{
    private static readonly SemanticIdIndex Index = new([new("a", new(0, 1)), new("b", new(1, 0))]);

    [Fact]
    public async Task AddModeling_SameSeed_GivesTheSameWeights()
    {
        await using var app = Build(o => o.HiddenSize = 32);
        var factory = app.GetRequiredService<GenerativeRecommenderFactory>();

        using var first = await factory.CreateAsync(Index);
        using var second = await factory.CreateAsync(Index);

        Assert.Equal(32, first.Model.Config.HiddenSize);
        Assert.Equal((await first.RecommendAsync(["a"], 2)).Items, (await second.RecommendAsync(["a"], 2)).Items);
    }

    [Fact]
    public async Task AddRecommender_SavedFolder_ServesAsIRecommender()
    {
        string folder = Path.Combine(Directory.CreateTempSubdirectory("minionerec-").FullName, "model");
        using (var made = await new GenerativeRecommenderFactory(new ModelingOptions { HiddenSize = 16 }).CreateAsync(Index))
        {
            await made.SaveAsync(folder);
        }

        var services = new ServiceCollection();
        services.AddMiniOneRec().AddRecommender(folder);
        await using var app = services.BuildServiceProvider();

        Assert.Equal(2, (await app.GetRequiredService<IRecommender>().RecommendAsync(["b"], 2)).Items.Count);
    }

    [Fact]
    public async Task AddModeling_BrokenRules_AreAllNamed()
    {
        await using var app = Build(o => (o.HiddenSize, o.Layers, o.Recommender.BeamWidth) = (130, 0, 0));

        var fromContainer = Assert.Throws<OptionsValidationException>(() => app.GetRequiredService<GenerativeRecommenderFactory>());
        var fromNew = Assert.Throws<OptionsValidationException>(() => new GenerativeRecommenderFactory(
            new ModelingOptions { HiddenSize = 130, Layers = 0, Recommender = new RecommenderOptions { BeamWidth = 0 } }));

        foreach (var error in new[] { fromContainer, fromNew })
        {
            Assert.Contains("HiddenSize 130 must be an even multiple of Heads 4", error.Message, StringComparison.Ordinal);
            Assert.Contains("Layers", error.Message, StringComparison.Ordinal);
            Assert.Contains("BeamWidth", error.Message, StringComparison.Ordinal);
        }
    }

    private static ServiceProvider Build(Action<ModelingOptions> configure)
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec().AddModeling(configure);
        return services.BuildServiceProvider();
    }
}

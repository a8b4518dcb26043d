using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests.Recommending;

/// <summary>Templates and backbones of an application's own are saved and load back.</summary>
public sealed class RegistryTests
{
    private static readonly RecommendationRequest Request = new() { History = ["item1", "item7", "item2"], Count = 5 };

    private static SemanticIdIndex Index { get; } =
        new(Enumerable.Range(0, 12).Select(i => KeyValuePair.Create($"item{i}", new SemanticId([i % 3, i / 3, i % 2]))), [4, 4, 2]);

    [Fact]
    public async Task LoadAsync_OwnTemplateAndBackboneFromTheContainer_AnswersAlike()
    {
        using var folder = new TemporaryFolder();
        using var recommender = Make();
        var expected = await recommender.RecommendAsync(Request);
        await recommender.SaveAsync(folder["model"]);
        var services = new ServiceCollection();
        services.AddMiniOneRec().AddPromptTemplate(OwnTemplate.Loader).AddBackbone(OwnBackbone.Loader).AddRecommender(folder["model"]);
        await using var provider = services.BuildServiceProvider();

        var again = provider.GetRequiredService<GenerativeRecommender>();
        var actual = await again.RecommendAsync(Request);

        Assert.Equal(5, expected.Items.Count);
        Assert.Equal(expected.Items, actual.Items);
        Assert.Equal(2, Assert.IsType<OwnTemplate>(again.Template).Items);
        Assert.IsType<OwnBackbone>(again.Model);
    }

    [Fact]
    public async Task LoadAsync_OwnTemplateAndBackboneByArgument_SavesAndLoadsAgain()
    {
        using var folder = new TemporaryFolder();
        var options = new RecommenderLoadOptions
        {
            Templates = new PromptTemplateRegistry([OwnTemplate.Loader]),
            Backbones = new BackboneRegistry([OwnBackbone.Loader]),
            Configure = saved => saved.BeamWidth = 12,
        };
        using var recommender = Make();
        await recommender.SaveAsync(folder["first"]);
        using var first = await GenerativeRecommender.LoadAsync(folder["first"], options);
        await first.SaveAsync(folder["second"]);

        using var second = await GenerativeRecommender.LoadAsync(folder["second"], options);

        Assert.Equal(12, second.Options.BeamWidth);
        Assert.Equal((await first.RecommendAsync(Request)).Items, (await second.RecommendAsync(Request)).Items);
    }

    [Fact]
    public async Task LoadAsync_RegisteredForTheProcess_NeedsNoArgument()
    {
        using var folder = new TemporaryFolder();
        using (var recommender = Make())
        {
            await HuggingFaceFolder.SaveAsync(folder["model"], recommender.Model);
        }

        string config = await File.ReadAllTextAsync(folder["model/config.json"]);
        await File.WriteAllTextAsync(folder["model/config.json"],
            config.Replace(OwnBackbone.OwnType, "zz-process", StringComparison.Ordinal));
        PromptTemplateRegistry.Default.Register(new PromptTemplateLoader("zz-process", _ => new OwnTemplate([4], 1)));
        BackboneRegistry.Default.Register(new BackboneLoader("zz-process", OwnBackbone.Loader.Load));
        using var model = await new BackboneRegistry().LoadAsync(folder["model"]);

        Assert.True(new PromptTemplateRegistry().Knows("zz-process"));
        Assert.IsType<OwnBackbone>(model);
    }

    [Fact]
    public async Task SwapAsync_OwnTemplateAndBackbone_Serves()
    {
        using var folder = new TemporaryFolder();
        using (var recommender = Make())
        {
            await recommender.SaveAsync(folder["model"]);
        }

        await using var host = new RecommenderHost
        {
            Templates = new PromptTemplateRegistry([OwnTemplate.Loader]),
            Backbones = new BackboneRegistry([OwnBackbone.Loader]),
        };
        await host.SwapAsync(folder["model"]);

        Assert.Equal(5, (await host.RecommendAsync(Request)).Items.Count);
    }

    [Fact]
    public async Task LoadAsync_UnknownTemplate_NamesItAndWhatToRegister()
    {
        using var folder = new TemporaryFolder();
        using (var recommender = Make())
        {
            await recommender.SaveAsync(folder["model"]);
        }

        var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
            GenerativeRecommender.LoadAsync(folder["model"],
                new RecommenderLoadOptions { Backbones = new BackboneRegistry([OwnBackbone.Loader]) }));

        Assert.Contains(folder["model"], error.Message, StringComparison.Ordinal);
        Assert.Contains("'last-items', which is not registered; known are compact", error.Message, StringComparison.Ordinal);
        Assert.Contains("new PromptTemplateLoader(\"last-items\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_UnknownBackbone_NamesItAndWhatToRegister()
    {
        using var folder = new TemporaryFolder();
        using (var recommender = Make())
        {
            await recommender.SaveAsync(folder["model"]);
        }

        var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
            GenerativeRecommender.LoadAsync(folder["model"],
                new RecommenderLoadOptions { Templates = new PromptTemplateRegistry([OwnTemplate.Loader]) }));

        Assert.Contains("model_type is 'scaled-decoder', which is not registered; expected llama, qwen2, qwen3", error.Message,
            StringComparison.Ordinal);
        Assert.Contains("new BackboneLoader(\"scaled-decoder\"", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_Architecture_FindsALoaderWhereTheModelTypeDoesNot()
    {
        using var folder = new TemporaryFolder();
        using (var recommender = Make())
        {
            await HuggingFaceFolder.SaveAsync(folder["model"], recommender.Model);
        }

        var byArchitecture = new BackboneLoader("ScaledForCausalLM", OwnBackbone.Loader.Load);
        using var model = await new BackboneRegistry([byArchitecture]).LoadAsync(folder["model"]);

        Assert.IsType<OwnBackbone>(model);
    }

    [Fact]
    public async Task LoadAsync_OwnBackboneLacksATensor_NamesIt()
    {
        using var folder = new TemporaryFolder();
        await HuggingFaceFolder.SaveAsync(folder["model"], new DecoderModel(DecoderConfig.Small(40, 16, 1, 2)));
        var config = JsonNode.Parse(await File.ReadAllTextAsync(folder["model/config.json"]))!.AsObject();
        (config["model_type"], config["gain_floor"]) = (OwnBackbone.OwnType, 1.0);
        await File.WriteAllTextAsync(folder["model/config.json"], config.ToJsonString());

        var error =
            await Assert.ThrowsAsync<InvalidDataException>(() => new BackboneRegistry([OwnBackbone.Loader]).LoadAsync(folder["model"]));

        Assert.Contains("key '_gain' is missing", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"name":"last-items","items":"two","levels":[4]}""", "'last-items' is damaged")]
    [InlineData("""{"name":"last-items","items":2}""", "'last-items' is damaged")]
    [InlineData("""{"name":7}""", "no text under 'name'")]
    [InlineData("{}", "no text under 'name'")]
    public async Task CreateAsync_DamagedDescription_IsRefused(string description, string expected)
    {
        var registry = new PromptTemplateRegistry([OwnTemplate.Loader]);

        var error =
            await Assert.ThrowsAsync<InvalidDataException>(() => registry.CreateAsync(JsonNode.Parse(description)!.AsObject(), "a-folder"));

        Assert.Contains("a-folder", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateAsync_LoaderOfAnotherName_IsRefused()
    {
        var registry = new PromptTemplateRegistry(
            [new PromptTemplateLoader("other", _ => new OwnTemplate([4], 1)), new PromptTemplateLoader("none", _ => null!)]);

        var odd = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            registry.CreateAsync(new JsonObject { ["name"] = "other" }, "a-folder"));
        var none = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            registry.CreateAsync(new JsonObject { ["name"] = "none" }, "a-folder"));

        Assert.Contains("'last-items'", odd.Message, StringComparison.Ordinal);
        Assert.Contains("returned null", none.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Register_TwoOfOneName_TheLastIsUsed()
    {
        var registry = new PromptTemplateRegistry().Register(new PromptTemplateLoader("mine", _ => new OwnTemplate([4], 1)));

        registry.Register(OwnTemplate.Loader);

        Assert.Superset(new HashSet<string> { "compact", "last-items", "mine" }, registry.Names.ToHashSet());
        Assert.True(registry.Knows("mine"));
        Assert.False(registry.Knows("yours"));
        Assert.Superset(new HashSet<string> { "llama", "qwen2", "qwen3", "scaled-decoder" },
            new BackboneRegistry([OwnBackbone.Loader]).Names.ToHashSet());
    }

    private static GenerativeRecommender Make()
    {
        random.manual_seed(5);
        var template = new OwnTemplate(Index.LevelSizes, items: 2);
        var model = new OwnBackbone(DecoderConfig.Small(template.VocabularySize, 16, 2, 2), floor: 1.25);
        return new GenerativeRecommender(model, Index, template, new RecommenderOptions { BeamWidth = 10 });
    }
}

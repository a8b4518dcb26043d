using Microsoft.Extensions.DependencyInjection;
using MiniOneRec.Modeling;
using MiniOneRec.Modeling.Tests;
using MiniOneRec.Pretrained.Tests.Tokenizers;

namespace MiniOneRec.Pretrained.Tests;

/// <summary>An application that references the package registers nothing: Modeling finds templates and models by name.</summary>
public sealed class PackageLookupTests
{
    [Fact]
    public void Names_WithoutRegistration_HaveTheTemplatesOfThePackage()
    {
        var registry = new PromptTemplateRegistry();

        Assert.Superset(new HashSet<string> { "alpaca", "chat", "compact" }, registry.Names.ToHashSet());
        Assert.All(["alpaca", "chat", "compact"], name => Assert.True(registry.Knows(name)));
        Assert.All(new PretrainedTemplates().Loaders, loader => Assert.True(PretrainedPackage.HasTemplate(loader.Name)));
    }

    [Fact]
    public async Task Register_NameOfThePackage_TheApplicationsOwnIsUsed()
    {
        using var folder = new TemporaryFolder();
        var own = new CompactTemplate([4]);
        var registry = new PromptTemplateRegistry([new PromptTemplateLoader("alpaca", _ => new Renamed(own))]);

        Assert.IsType<Renamed>(await registry.CreateAsync(new() { ["name"] = "alpaca" }, folder.Path));
    }

    [Fact]
    public async Task ReaderOfTheContainer_RowInitializer_ReplacesTheOption()
    {
        using var folder = new TemporaryFolder();
        var index = new SemanticIdIndex([new("a", new(0, 1)), new("b", new(1, 0))]);
        using (var opened = HuggingFaceFolder.Open(TestData.Fixture("llama")))
        using (var model = opened.LoadDecoder())
        {
            await HuggingFaceFolder.SaveAsync(folder["checkpoint"], model, new HuggingFaceSaveOptions { Tokenizer = ToyTokenizer.Make() });
        }

        var services = new ServiceCollection();
        services.AddSingleton<PretrainedReader>(new PretrainedModels { RowInitializer = new NormalRows(1e-9) });
        services.AddMiniOneRec().AddModeling(options => options.PretrainedPath = folder["checkpoint"]);
        await using var app = services.BuildServiceProvider();
        using var made = await app.GetRequiredService<GenerativeRecommenderFactory>().CreateAsync(index);
        using var named = await new GenerativeRecommenderFactory(
            new ModelingOptions { PretrainedPath = folder["checkpoint"], NewRows = NewTokenRows.Mean }).CreateAsync(index);
        using var other = await new GenerativeRecommenderFactory(
            new ModelingOptions { PretrainedPath = folder["checkpoint"], NewRows = NewTokenRows.Normal }).CreateAsync(index);

        Assert.True(made.Model.EmbeddingWeight.allclose(named.Model.EmbeddingWeight, rtol: 0, atol: 0));
        Assert.False(made.Model.EmbeddingWeight.allclose(other.Model.EmbeddingWeight, rtol: 0, atol: 0));
    }

    private sealed class Renamed(IPromptTemplate inner) : IPromptTemplate
    {
        public string Name => "alpaca";

        public SemanticIdVocabulary Vocabulary => inner.Vocabulary;

        public int VocabularySize => inner.VocabularySize;

        public IReadOnlyList<int> Terminator => inner.Terminator;

        public Prompt NextItem(IReadOnlyList<SemanticId> history) => inner.NextItem(history);

        public int[] EncodePrompt(Prompt prompt) => inner.EncodePrompt(prompt);

        public int[] EncodeResponse(SemanticId semanticId) => inner.EncodeResponse(semanticId);

        public int[] EncodeResponse(string text) => inner.EncodeResponse(text);

        public System.Text.Json.Nodes.JsonObject Describe() => inner.Describe();
    }
}

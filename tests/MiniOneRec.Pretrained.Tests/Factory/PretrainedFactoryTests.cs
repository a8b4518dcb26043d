using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MiniOneRec.Modeling;
using MiniOneRec.Modeling.Tests;
using MiniOneRec.Modeling.Tests.Recommending;
using MiniOneRec.Pretrained.Tests.Tokenizers;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained.Tests;

/// <summary>Recommenders on a pretrained checkpoint: loaded, extended by the codes and given a template, in one call.</summary>
public sealed class PretrainedFactoryTests
{
    private static readonly RecommendationRequest Request = new() { History = ["item1", "item7"], Count = 5 };
    private static readonly Item[] Items =
        [.. Enumerable.Range(0, 12).Select(i => new Item { Id = $"item{i}", Title = $"hello world {i}" })];

    private static SemanticIdIndex Index { get; } =
        new(Enumerable.Range(0, 12).Select(i => KeyValuePair.Create($"item{i}", new SemanticId([i % 3, i / 3, i % 2]))), [4, 4, 2]);

    [Fact]
    public async Task CreateAsync_Folder_EqualsTheStepsByHand()
    {
        using var folder = new TemporaryFolder();
        string path = await CheckpointAsync(folder);
        var plain = await TextTokenizer.LoadAsync(path);
        var tokenizer = plain.WithSemanticIds(Index.LevelSizes, out var codes);
        var titles = Items.ToDictionary(item => item.Id, item => item.Title);
        using var opened = HuggingFaceFolder.Open(path);
        var model =
            VocabularyExtension.Extend(opened.LoadDecoder(), codes, plain.VocabularySize, new ItemTextRows(Index, titles, plain), seed: 7);
        using var byHand = new GenerativeRecommender(model, Index, new AlpacaTemplate(tokenizer, Index.LevelSizes));

        using var made = await new GenerativeRecommenderFactory(
            new ModelingOptions { PretrainedPath = path }, new MiniOneRecOptions { Seed = 7 }).CreateAsync(Index, Items);

        Assert.Equal("alpaca", made.Template.Name);
        Assert.True(byHand.Model.EmbeddingWeight.allclose(made.Model.EmbeddingWeight, rtol: 0, atol: 0));
        Assert.Equal((await byHand.RecommendAsync(Request)).Items, (await made.RecommendAsync(Request)).Items);
        await made.SaveAsync(folder["saved"]);
        using var again = await GenerativeRecommender.LoadAsync(folder["saved"]);
        Assert.Equal((await made.RecommendAsync(Request)).Items.Select(item => item.ItemId),
            (await again.RecommendAsync(Request)).Items.Select(item => item.ItemId));
    }

    [Fact]
    public async Task CreateAsync_NewRows_DecidesOnTheRowsOfTheCodesAlone()
    {
        using var folder = new TemporaryFolder();
        string path = await CheckpointAsync(folder);
        int known = (await TextTokenizer.LoadAsync(path)).VocabularySize;
        async Task<Tensor> RowsAsync(NewTokenRows rows, params Item[] items)
        {
            using var made = await new GenerativeRecommenderFactory(new ModelingOptions { PretrainedPath = path, NewRows = rows })
                .CreateAsync(Index, items);
            return made.Model.EmbeddingWeight.detach().clone();
        }

        using var text = await RowsAsync(NewTokenRows.ItemText, Items);
        using var normal = await RowsAsync(NewTokenRows.Normal, Items);
        using var untitled = await RowsAsync(NewTokenRows.ItemText);

        Assert.True(text.slice(0, 0, known, 1).allclose(normal.slice(0, 0, known, 1), rtol: 0, atol: 0));
        Assert.False(text.slice(0, known, known + 10, 1).allclose(normal.slice(0, known, known + 10, 1)));
        Assert.True(normal.allclose(untitled, rtol: 0, atol: 0));
    }

    [Fact]
    public async Task CreateAsync_RowInitializer_ReplacesTheOption()
    {
        using var folder = new TemporaryFolder();
        var options = new ModelingOptions { PretrainedPath = await CheckpointAsync(folder) };
        var tiny = new PretrainedModels { RowInitializer = new NormalRows(1e-9) };
        using var scaled = await new GenerativeRecommenderFactory(options) { Pretrained = tiny }.CreateAsync(Index, Items);
        options.NewRows = NewTokenRows.Mean;
        using var named = await new GenerativeRecommenderFactory(options).CreateAsync(Index, Items);

        Assert.True(scaled.Model.EmbeddingWeight.allclose(named.Model.EmbeddingWeight, rtol: 0, atol: 0));
    }

    [Fact]
    public async Task CreateAsync_ChatWithoutAChatTemplate_SaysWhatIsMissing()
    {
        using var folder = new TemporaryFolder();
        string path = await CheckpointAsync(folder);
        var factory = new GenerativeRecommenderFactory(new ModelingOptions { PretrainedPath = path, Template = PromptFormat.Chat });

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => factory.CreateAsync(Index));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains("no chat template", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateAsync_BadPaths_AreNamed()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["weights.bin"], "not weights");
        await File.WriteAllTextAsync(folder["weights.gguf"], "not weights");
        Task<GenerativeRecommender> Create(string path) =>
            new GenerativeRecommenderFactory(new ModelingOptions { PretrainedPath = path }).CreateAsync(Index);

        var missing = await Assert.ThrowsAsync<FileNotFoundException>(() => Create(folder["none"]));
        var other = await Assert.ThrowsAsync<InvalidDataException>(() => Create(folder["weights.bin"]));
        var damaged = await Assert.ThrowsAsync<InvalidDataException>(() => Create(folder["weights.gguf"]));

        Assert.Contains($"PretrainedPath is '{folder["none"]}'", missing.Message, StringComparison.Ordinal);
        Assert.Contains(".gguf", other.Message, StringComparison.Ordinal);
        Assert.Contains(folder["weights.gguf"], damaged.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateAsync_TokenizerOfAnotherModel_IsRefused()
    {
        using var folder = new TemporaryFolder();
        await HuggingFaceFolder.SaveAsync(folder["model"], new DecoderModel(DecoderConfig.Small(40, 16, 1, 2)));
        await ToyTokenizer.Make().SaveAsync(folder["model"]);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
            new GenerativeRecommenderFactory(new ModelingOptions { PretrainedPath = folder["model"] }).CreateAsync(Index));

        Assert.Contains("only 40 rows", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateAsync_OwnBackboneFromTheContainer_ServesWhereItHasRows()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = ToyTokenizer.Make();
        await SaveOwnAsync(folder["large"], tokenizer.VocabularySize + 10);
        await SaveOwnAsync(folder["small"], tokenizer.VocabularySize);
        GenerativeRecommenderFactory Factory(string path) => Services(path).GetRequiredService<GenerativeRecommenderFactory>();

        using var made = await Factory(folder["large"]).CreateAsync(Index, Items);
        var error = await Assert.ThrowsAsync<InvalidDataException>(() => Factory(folder["small"]).CreateAsync(Index, Items));

        Assert.IsType<OwnBackbone>(made.Model);
        Assert.Equal(5, (await made.RecommendAsync(Request)).Items.Count);
        Assert.Contains("only DecoderModel can be extended", error.Message, StringComparison.Ordinal);

        async Task SaveOwnAsync(string path, int rows)
        {
            await HuggingFaceFolder.SaveAsync(path, new OwnBackbone(DecoderConfig.Small(rows, 16, 1, 2), 1.25));
            await tokenizer.SaveAsync(path);
        }

        static ServiceProvider Services(string path)
        {
            var services = new ServiceCollection();
            services.AddMiniOneRec().AddModeling(options => options.PretrainedPath = path).AddBackbone(OwnBackbone.Loader);
            return services.BuildServiceProvider();
        }
    }

    [Theory]
    [InlineData(null, PromptFormat.Alpaca, "needs the tokenizer of a pretrained model; set PretrainedPath")]
    [InlineData(null, PromptFormat.Chat, "needs the tokenizer of a pretrained model; set PretrainedPath")]
    [InlineData("a-model", PromptFormat.Compact, "expected Alpaca or Chat")]
    [InlineData(" ", null, "PretrainedPath is empty")]
    public void Constructor_OptionsThatExcludeEachOther_AreRefused(string? path, PromptFormat? template, string expected)
    {
        var error = Assert.Throws<OptionsValidationException>(() =>
            new GenerativeRecommenderFactory(new ModelingOptions { PretrainedPath = path, Template = template }));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ModelingOptions_Defaults_MakeAFreshDecoder()
    {
        var options = new ModelingOptions();

        Assert.Equal((null, null, NewTokenRows.ItemText), (options.PretrainedPath, options.Template, options.NewRows));
    }

    // The recorded weights with a tokenizer of single bytes beside them.
    private static async Task<string> CheckpointAsync(TemporaryFolder folder)
    {
        using var opened = HuggingFaceFolder.Open(TestData.Fixture("llama"));
        using var model = opened.LoadDecoder();
        await HuggingFaceFolder.SaveAsync(folder["checkpoint"], model, new HuggingFaceSaveOptions { Tokenizer = ToyTokenizer.Make() });
        return folder["checkpoint"];
    }
}

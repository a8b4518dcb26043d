using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests.Recommending;

/// <summary>Folders whose weights were rounded to 8 or 4 bits when they were saved.</summary>
public sealed class SmallFolderTests
{
    private static readonly int[][] Prompts = [[3, 4, 5, 2], [6, 7], [7, 7, 7, 1]];

    [Theory]
    [InlineData(ServingWeights.Int8, ScalarType.Float32, true)]
    [InlineData(ServingWeights.Int8, ScalarType.BFloat16, false)]
    [InlineData(ServingWeights.Int4, ScalarType.Float32, true)]
    [InlineData(ServingWeights.Int4, ScalarType.BFloat16, false)]
    public async Task Load_SmallFolder_GivesTheBitsOfRoundingOnLoad(ServingWeights form, ScalarType type, bool bias)
    {
        using var folder = new TemporaryFolder();
        using (var made = Make(type, bias))
        {
            await made.SaveAsync(folder["whole"]);
            await made.SaveAsync(folder["small"], new RecommenderSaveOptions { Weights = form });
        }

        using var rounded = await LoadAsync(folder["whole"], form);
        using var stored = await GenerativeRecommender.LoadAsync(folder["small"]);

        Assert.True(stored.Model.IsQuantized);
        Assert.Equal(form, stored.Model.WeightForm);
        Assert.Equal(form, stored.Options.Weights);
        Assert.All(Run(rounded.Model).Zip(Run(stored.Model)), pair => Assert.Equal(pair.First, pair.Second));
        var request = ServingToy.Ask("a", count: 6);
        Assert.Equal((await rounded.RecommendAsync(request)).Items, (await stored.RecommendAsync(request)).Items);
        var manifest = await ArtifactManifest.LoadAsync(folder["small/minionerec.json"]);
        Assert.Equal(form == ServingWeights.Int8 ? "int8" : "int4", (string?)manifest.Options["weights"]);
        Assert.True(Length(folder["small"]) < 0.7 * Length(folder["whole"]));
    }

    [Fact]
    public async Task Checkpoint_OfASmallFolder_LoadsByItself()
    {
        using var folder = new TemporaryFolder();
        using var made = Make(ScalarType.Float32, bias: true);
        await made.SaveAsync(folder["small"], new RecommenderSaveOptions { Weights = ServingWeights.Int8 });

        using var model = await HuggingFaceFolder.LoadDecoderAsync(folder["small"]);
        made.Model.Quantize(ServingWeights.Int8, only: true);

        Assert.All(Run(made.Model).Zip(Run(model)), pair => Assert.Equal(pair.First, pair.Second));
        string config = await File.ReadAllTextAsync(folder["small/config.json"]);
        Assert.Equal("minionerec", (string?)JsonNode.Parse(config)!["quantization_config"]!["quant_method"]);
    }

    [Fact]
    public async Task Small_Model_IsNeitherTrainedNorSavedNorWidened()
    {
        using var folder = new TemporaryFolder();
        using (var made = Make(ScalarType.Float32, bias: false))
        {
            await made.SaveAsync(folder["small"], new RecommenderSaveOptions { Weights = ServingWeights.Int8 });
        }

        using var model = await SemanticIdModel.LoadAsync(folder["small"]);
        var training = Assert.Throws<InvalidOperationException>(() => model.Backbone.BeginTraining());
        Assert.Contains("trained", training.Message, StringComparison.Ordinal);
        Assert.Contains("Int8", training.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(() => model.SaveAsync(folder["again"]));
        using (var view = new GenerativeRecommender(model))
        {
            Assert.Equal(3, (await view.RecommendAsync(ServingToy.Ask("a", 3))).Items.Count);
        }

        foreach (var other in (ServingWeights[])[ServingWeights.Float32, ServingWeights.BFloat16, ServingWeights.Int4])
        {
            var error = await Assert.ThrowsAsync<InvalidDataException>(() => LoadAsync(folder["small"], other));
            Assert.Contains($"Weights = {other}", error.Message, StringComparison.Ordinal);
            Assert.Contains("Int8 alone", error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(ServingWeights.Float32)]
    [InlineData(ServingWeights.BFloat16)]
    public async Task Save_InAFormThatIsNoneOfFewBits_IsRefused(ServingWeights form)
    {
        using var folder = new TemporaryFolder();
        using var made = Make(ScalarType.Float32, bias: false);

        var error = await Assert.ThrowsAsync<ArgumentException>(
            () => made.SaveAsync(folder["model"], new RecommenderSaveOptions { Weights = form }));

        Assert.Contains($"{form}", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["model"]));
    }

    [Fact]
    public async Task Save_WidthThatDoesNotDivide_NamesTheMatrix()
    {
        using var folder = new TemporaryFolder();
        using var made = ServingToy.Make();                         // 16 inputs

        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => made.SaveAsync(folder["model"], new RecommenderSaveOptions { Weights = ServingWeights.Int4 }));

        Assert.Contains("q_proj.weight", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["model"]));
    }

    [Theory]
    [InlineData("small", null, "says AsStored, but the tensors beside it are Int8")]
    [InlineData("small", "int4", "says Int4, but the tensors beside it are Int8")]
    [InlineData("small", "int2", "expected \"int8\" or \"int4\"")]
    [InlineData("whole", "int8", "says Int8, but the tensors beside it are AsStored")]
    public async Task Load_ManifestThatDoesNotFitTheTensors_IsRefused(string which, string? form, string expected)
    {
        using var folder = new TemporaryFolder();
        using (var made = Make(ScalarType.Float32, bias: false))
        {
            await made.SaveAsync(folder["whole"]);
            await made.SaveAsync(folder["small"], new RecommenderSaveOptions { Weights = ServingWeights.Int8 });
        }

        string path = Path.Combine(folder[which], "minionerec.json");
        var manifest = await ArtifactManifest.LoadAsync(path);
        manifest.Options.Remove("weights");
        manifest.Options["recommender"]!["weights"] = 0;
        if (form is not null)
        {
            manifest.Options["weights"] = form;
        }

        await manifest.SaveAsync(path);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(folder[which]));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"quant_method":"minionerec","weights":"int8"}""", "q_proj.weight", "type Float32", true)]
    [InlineData("""{"quant_method":"minionerec","weights":"int4"}""", "q_proj.weight", "type Int8", false)]
    [InlineData("""{"quant_method":"minionerec","weights":"int2"}""", "quantization_config", "int8 or int4", false)]
    [InlineData("""{"quant_method":"gptq","bits":4}""", "quantization_config", "other tools", false)]
    [InlineData("null", "q_proj.weight", "floating-point", false)]
    public async Task Checkpoint_WhoseConfigurationSaysSomethingElse_IsRefused(string config, string key, string expected, bool whole)
    {
        using var folder = new TemporaryFolder();
        using (var made = Make(ScalarType.Float32, bias: false))
        {
            var options = new RecommenderSaveOptions { Weights = whole ? ServingWeights.AsStored : ServingWeights.Int8 };
            await made.SaveAsync(folder["model"], options);
        }

        var json = JsonNode.Parse(await File.ReadAllTextAsync(folder["model/config.json"]))!;
        json["quantization_config"] = JsonNode.Parse(config);
        await File.WriteAllTextAsync(folder["model/config.json"], json.ToJsonString());

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => HuggingFaceFolder.LoadDecoderAsync(folder["model"]));
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    private static Task<GenerativeRecommender> LoadAsync(string folder, ServingWeights weights) =>
        GenerativeRecommender.LoadAsync(folder, new RecommenderLoadOptions { Configure = options => options.Weights = weights });

    // An inner width that is no multiple of 64, so that rows of the last matrix are padded.
    private static GenerativeRecommender Make(ScalarType type, bool bias)
    {
        torch.random.manual_seed(11);
        var template = CompactTemplate.For(ServingToy.Index);
        var config = DecoderConfig.Small(template.VocabularySize, 64, 2, 4) with
        {
            KeyValueHeadCount = 2, IntermediateSize = 100, AttentionBias = bias, InitializerRange = 0.2,
        };
        var model = new DecoderModel(config);
        using (no_grad())
        {
            foreach (var (name, parameter) in model.named_parameters())
            {
                if (name.EndsWith(".bias", StringComparison.Ordinal))
                {
                    parameter.normal_();
                }
            }
        }

        model.to(type);
        return new GenerativeRecommender(model, ServingToy.Index, template);
    }

    private static byte[][] Run(CausalLanguageModel model)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var batch = TokenBatch.Of(Prompts);
        using var cache = new PromptCache();
        var hidden = model.Forward(batch, cache);
        var rows = model.Extend(cache, new DecodingStep { Tokens = [7, 8, 9], Prompts = [0, 0, 2], Ancestors = [[0], [1], [2]] });
        return [.. new[] { hidden, rows, model.Logits(rows), model.LogNormalizers(rows) }.Select(x => x.bytes.ToArray())];
    }

    private static long Length(string folder) => new FileInfo(Path.Combine(folder, "model.safetensors")).Length;
}

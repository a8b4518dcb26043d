using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests.Checkpoints;

public sealed class HuggingFaceFolderTests
{
    public static TheoryData<string> Folders => ["qwen2-tied", "qwen2-untied-bf16-sharded", "qwen3", "llama"];

    [Theory]
    [MemberData(nameof(Folders))]
    [Trait("Category", "Parity")]
    public async Task LoadDecoderAsync_Fixture_KeepsEveryStoredBit(string name)
    {
        string folder = TestData.Fixture(name);
        using var model = await HuggingFaceFolder.LoadDecoderAsync(folder);
        using var scope = NewDisposeScope();
        var stored = Directory.GetFiles(folder, "model*.safetensors").SelectMany(SafetensorsFile.Load).ToDictionary();

        var parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);

        Assert.Equal(stored.Keys.Order(), parameters.Keys.Order());
        foreach (var (key, value) in stored)
        {
            Assert.Equal(value.dtype, parameters[key].dtype);
            Assert.True(parameters[key].requires_grad);
            Assert.True((value == parameters[key]).all().item<bool>(), key);
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    [Trait("Category", "Parity")]
    public async Task SaveAsync_LoadedModel_WritesTheSameFiles(string name)
    {
        string folder = TestData.Fixture(name);
        using var target = new TemporaryFolder();
        using var opened = HuggingFaceFolder.Open(folder);
        using var model = opened.LoadDecoder();

        await HuggingFaceFolder.SaveAsync(target["saved"], model,
            new() { ShardMap = opened.ShardMap, Generation = opened.ReadGenerationConfig() });

        foreach (string file in Directory.GetFiles(folder, "model*").Select(Path.GetFileName).Cast<string>())
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(folder, file)), File.ReadAllBytes(Path.Combine(target["saved"], file)));
        }

        var written = JsonNode.Parse(File.ReadAllText(Path.Combine(target["saved"], "config.json")))!;
        var original = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
        foreach (string key in new[] { "architectures", "dtype", "eos_token_id", "pad_token_id", "hidden_size", "tie_word_embeddings",
            "vocab_size", "model_type" })
        {
            Assert.True(JsonNode.DeepEquals(original[key], written[key]), key);
        }

        using var again = HuggingFaceFolder.Open(target["saved"]);
        Assert.Equal(opened.ReadConfig().ToJson().ToJsonString(), again.ReadConfig().ToJson().ToJsonString());
        Assert.Equal(opened.ReadGenerationConfig().ToJson().ToJsonString(), again.ReadGenerationConfig().ToJson().ToJsonString());
    }

    [Fact]
    public async Task SaveAsync_SmallShards_CutsAsTheReferenceDoes()
    {
        string folder = TestData.Fixture("qwen2-untied-bf16-sharded");
        using var target = new TemporaryFolder();
        using var opened = HuggingFaceFolder.Open(folder);
        using var model = opened.LoadDecoder();

        await HuggingFaceFolder.SaveAsync(target["saved"], model, new() { MaxShardBytes = 100_000 });

        using var again = HuggingFaceFolder.Open(target["saved"]);
        Assert.Equal(opened.ShardMap.OrderBy(pair => pair.Key), again.ShardMap.OrderBy(pair => pair.Key));
    }

    [Fact]
    public void LoadDecoder_OnTheCpu_CopiesNothing()
    {
        using var opened = HuggingFaceFolder.Open(TestData.Fixture("qwen2-tied"));
        using var model = opened.LoadDecoder();
        using var scope = NewDisposeScope();

        // Two views of one private map share its pages: what is written through one is seen through the other.
        using (no_grad())
        {
            opened.Read("model.norm.weight").fill_(3);
        }

        Assert.Equal(3f, model.named_parameters().Single(p => p.name == "model.norm.weight").parameter[0].item<float>());
        using var fresh = HuggingFaceFolder.Open(TestData.Fixture("qwen2-tied"));
        Assert.NotEqual(3f, fresh.Read("model.norm.weight")[0].item<float>());
    }

    [Fact]
    public void LoadDecoder_DisposedFolder_KeepsTheWeightsAndLeaksNothing()
    {
        string folder = TestData.Fixture("llama");
        long Left(Func<DecoderModel> make)
        {
            Collect();                                          // what other tests left behind
            long before = Tensor.TotalCount;
            using (var scope = NewDisposeScope())
            {
                using var model = make();
                Assert.True(model.EmbeddingWeight.isfinite().all().item<bool>());
            }

            Collect();                                          // wrappers of parameters wait for the collector whoever made them
            return Tensor.TotalCount - before;
        }

        static void Collect()
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        DecoderModel Load()
        {
            using var opened = HuggingFaceFolder.Open(folder);
            return opened.LoadDecoder();
        }

        var config = DecoderConfig.FromJson(File.ReadAllText(Path.Combine(folder, "config.json")));
        Assert.Equal(Left(() => new DecoderModel(config)), Left(Load));
    }

    [Fact]
    public async Task LoadDecoder_MissingKeyWrongShapeOrStranger_NamesTheKey()
    {
        string folder = TestData.Fixture("llama");
        Dictionary<string, Tensor> Stored() => SafetensorsFile.Load(Path.Combine(folder, "model.safetensors"));
        async Task<string> ErrorOf(Dictionary<string, Tensor> tensors)
        {
            using var broken = new TemporaryFolder();
            File.Copy(Path.Combine(folder, "config.json"), broken["config.json"]);
            await SafetensorsFile.SaveAsync(broken["model.safetensors"], [.. tensors.Select(pair => (pair.Key, pair.Value))]);
            return (await Assert.ThrowsAsync<InvalidDataException>(() => HuggingFaceFolder.LoadDecoderAsync(broken.Path))).Message;
        }

        var tensors = Stored();
        tensors.Remove("model.layers.1.mlp.up_proj.weight");
        string missing = await ErrorOf(tensors);
        Assert.Contains("'model.layers.1.mlp.up_proj.weight' is missing; expected shape [176, 64]", missing, StringComparison.Ordinal);

        tensors = Stored();
        tensors["model.layers.1.mlp.up_proj.weight"] = zeros(64, 176);
        string shape = await ErrorOf(tensors);
        Assert.Contains("'model.layers.1.mlp.up_proj.weight' has shape [64, 176]; expected [176, 64]", shape, StringComparison.Ordinal);

        tensors = Stored();
        tensors["model.layers.1.mlp.up_proj.bias"] = zeros(176);
        Assert.Contains("'model.layers.1.mlp.up_proj.bias' is not part", await ErrorOf(tensors), StringComparison.Ordinal);
    }

    [Fact]
    public void LoadDecoder_MoreLayersThanTensors_IsRefusedBeforeAnythingIsMade()
    {
        using var folder = new TemporaryFolder();
        string source = TestData.Fixture("llama");
        File.Copy(Path.Combine(source, "model.safetensors"), folder["model.safetensors"]);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(source, "config.json")))!;
        config["num_hidden_layers"] = 10_000_000;
        File.WriteAllText(folder["config.json"], config.ToJsonString());
        using var opened = HuggingFaceFolder.Open(folder.Path);

        var error = Assert.Throws<InvalidDataException>(() => opened.LoadDecoder());

        Assert.Contains("num_hidden_layers", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../secret.safetensors")]
    [InlineData("/etc/secret.safetensors")]
    [InlineData("..\\\\secret.safetensors")]
    [InlineData("C:secret.safetensors")]
    [InlineData("secret.bin")]
    [InlineData("a/../b.safetensors")]
    public void Open_ShardMapNamesFileElsewhere_IsRefused(string file)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["model.safetensors.index.json"], $$$"""{"weight_map":{"a":"{{{file}}}"}}""");

        var error = Assert.Throws<InvalidDataException>(() => HuggingFaceFolder.Open(folder.Path));

        Assert.Contains("in the same folder", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"weight_map":{"a":"x.safetensors"}}""")]
    public void Open_MissingShard_NamesIt(string map)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["model.safetensors.index.json"], map);

        var error = Assert.Throws<FileNotFoundException>(() => HuggingFaceFolder.Open(folder.Path));

        Assert.Contains("x.safetensors", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "weight_map")]
    [InlineData("""{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}""", "Duplicate")]
    [InlineData("""{"weight_map":{"a":7}}""", "same folder")]
    [InlineData("""{"weight_map":{}}""", "no tensors")]
    [InlineData("""{"weight_map":""", "JSON")]
    public void Open_HostileShardMap_IsRefused(string map, string problem)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["model.safetensors.index.json"], map);

        var error = Assert.Throws<InvalidDataException>(() => HuggingFaceFolder.Open(folder.Path));

        Assert.Contains(problem, error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task LoadDecoderAsync_Float16_IsConverted()
    {
        using var folder = new TemporaryFolder();
        string source = TestData.Fixture("llama");
        File.Copy(Path.Combine(source, "config.json"), folder["config.json"]);
        var stored = SafetensorsFile.Load(Path.Combine(source, "model.safetensors"));
        await SafetensorsFile.SaveAsync(folder["model.safetensors"],
            [.. stored.Select(pair => (pair.Key, pair.Value.to_type(ScalarType.Float16)))]);

        using var model = await HuggingFaceFolder.LoadDecoderAsync(folder.Path);

        Assert.Equal(ScalarType.Float32, model.EmbeddingWeight.dtype);
        Fixtures.Close(stored["model.norm.weight"], model.named_parameters().Single(p => p.name == "model.norm.weight").parameter.detach(),
            1e-3, "norm");
    }
}

using System.Text.Json.Nodes;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tests;

/// <summary>Adapter folders as PEFT writes them; expected logits follow from W + s·B·A in a plain forward pass.</summary>
public sealed class PeftFolderTests
{
    private static readonly int[] Tokens = [1, 2, 3, 4, 5, 6, 7, 8];

    private static readonly Dictionary<string, string> Changes = new()
    {
        ["r"] = "2", ["lora_alpha"] = "16", ["lora_dropout"] = "0.5", ["target_modules"] = "[\"q_proj\"]",
            ["exclude_modules"] = "[\"v_proj\"]", ["layers_to_transform"] = "[1]",
        ["layers_pattern"] = "[\"layers\"]", ["rank_pattern"] = "{\"q_proj\":2}", ["alpha_pattern"] = "{\"q_proj\":2}",
            ["use_rslora"] = "true", ["trainable_token_indices"] = "[1]",
    };

    [Theory]
    [InlineData("peft-rslora", "adapter", "last_logits")]
    [InlineData("peft-refused-legal", "rankpattern", "rankpattern")]
    [InlineData("peft-refused-legal", "layers", "layers")]
    [InlineData("peft-refused-legal", "regex", "regex")]
    public async Task LoadAsync_LegalFolder_ComputesWhatPeftComputes_AttachedSavedAndMerged(string name, string adapter, string key)
    {
        using var target = new TemporaryFolder();
        using var model = await HuggingFaceFolder.LoadDecoderAsync(Path.Combine(Folder(name), "base"));
        using var again = await HuggingFaceFolder.LoadDecoderAsync(Path.Combine(Folder(name), "base"));
        float[] expected = [.. JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Folder(name), "expected.json")))![key]!.AsArray()
            .Select(logit => (float)logit!)];

        var adapters = await LoraAdapters.LoadAsync(Path.Combine(Folder(name), adapter), model);
        Close(expected, LastLogits(model));

        await adapters.SaveAsync(target["saved"]);
        using (await LoraAdapters.LoadAsync(target["saved"], again))
        {
            Close(expected, LastLogits(again));
        }

        adapters.Merge();
        Close(expected, LastLogits(model));
    }

    [Theory]
    [InlineData("dora", "use_dora")]
    [InlineData("pissa", "init_lora_weights")]
    public async Task LoadAsync_WhatIsNotImplemented_IsRefusedByNameAndFile(string adapter, string key)
    {
        using var model = await HuggingFaceFolder.LoadDecoderAsync(Path.Combine(Folder("peft-refused-legal"), "base"));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
            LoraAdapters.LoadAsync(Path.Combine(Folder("peft-refused-legal"), adapter), model));

        Assert.Contains($"'{key}'", error.Message, StringComparison.Ordinal);
        Assert.Contains("adapter_config.json", error.Message, StringComparison.Ordinal);
        Assert.Null(LoraAdapters.Of(model));
    }

    [Fact]
    public void EveryHonouredKey_ChangesTheAdapters()
    {
        string[] honoured = [.. AdapterConfigKeys.Table.Rows.Where(row => row.Use == KeyUse.Honoured).Select(row => row.Name)];
        string before = Described(With(Config(), "layers_to_transform", "[0]"));

        Assert.Equal(honoured.Except(["peft_type", "init_lora_weights"]).Order(), Changes.Keys.Order());
        foreach (var (key, value) in Changes)
        {
            Assert.True(before != Described(With(With(Config(), "layers_to_transform", "[0]"), key, value)), key);
        }

        foreach (string harmless in new[] { "true", "false", "\"gaussian\"", "\"eva\"", "\"orthogonal\"" })
        {
            Assert.Equal(Described(Config()), Described(With(Config(), "init_lora_weights", harmless)));
        }

        foreach (string replaces in new[] { "\"pissa\"", "\"pissa_niter_16\"", "\"olora\"", "\"corda\"", "\"loftq\"", "\"lora_ga\"" })
        {
            Refused(With(Config(), "init_lora_weights", replaces), "init_lora_weights");
        }

        Refused(With(Config(), "peft_type", "\"IA3\""), "peft_type");
    }

    [Fact]
    public void EveryRefusedKey_IsRefusedByNameAndFile_UnlessNeutral_AndOthersChangeNothing()
    {
        foreach (var row in AdapterConfigKeys.Table.Rows)
        {
            if (row.Use == KeyUse.Refused)
            {
                Refused(With(Config(), row.Name, "\"some value\""), row.Name);
                foreach (string neutral in row.Neutral.Append("null"))
                {
                    Assert.Equal(Described(Config()), Described(With(Config(), row.Name, neutral)));
                }
            }
            else if (row.Use == KeyUse.Harmless)
            {
                Assert.Equal(Described(Config()), Described(With(Config(), row.Name, "{\"any\":[1]}")));
            }
        }

        var notes = new List<string>();
        PeftConfig.Read("adapter_config.json", With(Config(), "surely_unknown", "1"), notes);
        Assert.Contains("surely_unknown", Assert.Single(notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"(\"")]
    [InlineData("-1")]
    [InlineData("0")]
    [InlineData("1e999")]
    [InlineData("99999999999999")]
    [InlineData("{}")]
    [InlineData("{\"q_proj\":0}")]
    [InlineData("{\"embed_tokens\":[-1]}")]
    [InlineData("{\"q_proj\":\"\\ud800\"}")]
    [InlineData("[]")]
    [InlineData("[null]")]
    [InlineData("[-1]")]
    [InlineData("[99]")]
    [InlineData("[[]]")]
    [InlineData("true")]
    [InlineData("\"\\ud800\"")]
    public async Task EveryKey_OfAnyKind_IsLoadedOrRefusedByFile(string value)
    {
        using var folder = new TemporaryFolder();
        string source = Path.Combine(Folder("peft-rslora"), "adapter");
        Directory.CreateDirectory(folder["a"]);
        File.Copy(Path.Combine(source, "adapter_model.safetensors"), Path.Combine(folder["a"], "adapter_model.safetensors"));
        using var model = await HuggingFaceFolder.LoadDecoderAsync(Path.Combine(Folder("peft-rslora"), "base"));
        foreach (var row in AdapterConfigKeys.Table.Rows)
        {
            await File.WriteAllTextAsync(Path.Combine(folder["a"], "adapter_config.json"),
                With(await File.ReadAllTextAsync(Path.Combine(source, "adapter_config.json")), row.Name, value));
            try
            {
                (await LoraAdapters.LoadAsync(folder["a"], model)).Dispose();
            }
            catch (InvalidDataException e)
            {
                Assert.True(e.Message.Contains("adapter_config.json", StringComparison.Ordinal)
                    || e.Message.Contains("adapter_model.safetensors", StringComparison.Ordinal), e.Message);
            }

            Assert.Null(LoraAdapters.Of(model));
        }
    }

    [Theory]
    [InlineData("\"all-linear\"", "null", "null", "null", 14)]
    [InlineData("[\"q_proj\",\"v_proj\",\"c_attn\"]", "null", "null", "null", 4)]
    [InlineData("[\"model.layers.1.self_attn.q_proj\"]", "null", "null", "null", 1)]
    [InlineData("[\"q_proj\",\"down_proj\"]", "null", "1", "null", 2)]
    [InlineData("[\"q_proj\",\"down_proj\"]", "null", "[0,1]", "\"layers\"", 4)]
    [InlineData("\"(?P<part>.*)(self_attn|mlp)\\\\.(q|up)_proj\\\\Z\"", "null", "null", "null", 4)]
    [InlineData("\"(?!.*down).*_proj\"", "null", "null", "null", 12)]
    [InlineData("\"all-linear\"", "[\"down_proj\",\"model.layers.0.self_attn.q_proj\"]", "null", "null", 11)]
    [InlineData("\"all-linear\"", "\".*mlp.*\"", "null", "null", 8)]
    public void Targets_FollowPeftsRules(string targets, string excluded, string layers, string lists, int count)
    {
        using var model = Toy.Model(CompactTemplate.For(Toy.Index()));
        string json = With(With(With(With(Config(), "target_modules", targets), "exclude_modules", excluded), "layers_to_transform",
            layers), "layers_pattern", lists);

        using var adapters = LoraAdapters.AttachAny(model, PeftConfig.Read("adapter_config.json", json).Options);

        Assert.Equal(count, adapters.Count);
    }

    [Fact]
    public void RanksAndScales_FollowTheFirstPatternThatFits()
    {
        string json = With(With(Config(), "rank_pattern", """{"layers\\.0\\..*q_proj":2,"q_proj":8,"up_proj":1}"""), "alpha_pattern", """{"self_attn.q_proj":32}""");
        var targets = new LoraTargets(PeftConfig.Read("adapter_config.json", json).Options);
        var stabilised = new LoraTargets(PeftConfig.Read("adapter_config.json", With(json, "use_rslora", "true")).Options);

        Assert.Equal([2, 8, 4, 4], new[] { "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj",
            "model.layers.1.self_attn.v_proj", "model.layers.1.mlp.gateup_proj" }.Select(targets.RankOf));
        Assert.Equal((16, 4, 2), (targets.ScaleOf("model.layers.0.self_attn.q_proj"), targets.ScaleOf("model.layers.1.self_attn.q_proj"),
            targets.ScaleOf("model.layers.1.self_attn.v_proj")));
        Assert.Equal((32 / Math.Sqrt(2), 4),
            (stabilised.ScaleOf("model.layers.0.self_attn.q_proj"), stabilised.ScaleOf("model.layers.1.self_attn.v_proj")));
    }

    [Theory]
    [InlineData("base_model.model.lm_head.lora_A.weight", "embedding or head")]
    [InlineData("base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector", "DoRA")]
    [InlineData("base_model.model.model.embed_tokens.weight", "modules_to_save")]
    [InlineData("base_model.model.model.layers.0.mlp.up_proj.lora_A.weight", "leave out")]
    public async Task LoadAsync_LeftOverTensor_IsRefusedWithTheReason_AndTheModelStays(string key, string reason)
    {
        var error = await ErrorOf(tensors => tensors[key] = zeros(4, 8));

        Assert.Contains($"'{key}'", error, StringComparison.Ordinal);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_IntegersOrNoNumbers_AreRefusedByName()
    {
        const string key = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight";

        Assert.Contains($"'{key}' has elements of type Int32",
            await ErrorOf(tensors => tensors[key] = ones(4, 8, dtype: ScalarType.Int32)), StringComparison.Ordinal);
        Assert.Contains($"'{key}' holds values that are not finite",
            await ErrorOf(tensors => tensors[key] = full(4, 8, double.NaN, dtype: ScalarType.Float32)), StringComparison.Ordinal);
        Assert.Contains($"'{key}' is missing; expected shape [4, 8]", await ErrorOf(tensors => tensors.Remove(key)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task LoadAsync_RowsOfAnyTokens_ReplaceThoseRows()
    {
        using var folder = new TemporaryFolder();
        string source = Path.Combine(Folder("peft-rslora"), "adapter");
        using var model = await HuggingFaceFolder.LoadDecoderAsync(Path.Combine(Folder("peft-rslora"), "base"));
        float[] before = [.. model.EmbeddingWeight.detach().data<float>()];
        var tensors = SafetensorsFile.Load(Path.Combine(source, "adapter_model.safetensors"));
        tensors["base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta"] =
            stack([full(8, 7, dtype: ScalarType.Float32), full(8, 9, dtype: ScalarType.Float32)]);
        await Write(folder, tensors, With(await File.ReadAllTextAsync(Path.Combine(source, "adapter_config.json")), "trainable_token_indices", """{"embed_tokens":[5,2]}"""));

        using var adapters = await LoraAdapters.LoadAsync(folder["a"], model);

        float[] after = [.. model.EmbeddingWeight.detach().data<float>()];
        Assert.All(Enumerable.Range(0, after.Length), i => Assert.Equal(i / 8 == 5 ? 7 : i / 8 == 2 ? 9 : before[i], after[i]));
    }

    private static async Task<string> ErrorOf(Action<Dictionary<string, Tensor>> change)
    {
        using var folder = new TemporaryFolder();
        string source = Path.Combine(Folder("peft-rslora"), "adapter");
        using var model = await HuggingFaceFolder.LoadDecoderAsync(Path.Combine(Folder("peft-rslora"), "base"));
        float[] before = LastLogits(model);
        var tensors = SafetensorsFile.Load(Path.Combine(source, "adapter_model.safetensors"));
        change(tensors);
        await Write(folder, tensors, await File.ReadAllTextAsync(Path.Combine(source, "adapter_config.json")));

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => LoraAdapters.LoadAsync(folder["a"], model));

        Assert.Null(LoraAdapters.Of(model));
        Assert.Equal(before, LastLogits(model));
        return error.Message;
    }

    private static async Task Write(TemporaryFolder folder, Dictionary<string, Tensor> tensors, string config)
    {
        Directory.CreateDirectory(folder["a"]);
        await SafetensorsFile.SaveAsync(Path.Combine(folder["a"], "adapter_model.safetensors"),
            [.. tensors.Select(pair => (pair.Key, pair.Value))]);
        await File.WriteAllTextAsync(Path.Combine(folder["a"], "adapter_config.json"), config);
    }

    private static string Folder(string name) => Path.Combine(TestData.Root, "tests", "Fixtures", "settings", name);

    private static string Config() => """{"peft_type":"LORA","r":4,"lora_alpha":8,"target_modules":["q_proj","v_proj"]}""";

    private static string Described(string json)
    {
        var (options, rows) = PeftConfig.Read("folder/adapter_config.json", json);
        return PeftConfig.Write(options, "", null).ToJsonString()
            + string.Join(';', rows.Select(row => $"{row.Key}:{string.Join(',', row.Value)}"));
    }

    private static void Refused(string json, string key)
    {
        var error = Assert.Throws<InvalidDataException>(() => PeftConfig.Read("folder/adapter_config.json", json));
        Assert.Contains($"'{key}'", error.Message, StringComparison.Ordinal);
        Assert.Contains("folder/adapter_config.json", error.Message, StringComparison.Ordinal);
    }

    private static string With(string json, string key, string value)
    {
        var node = JsonNode.Parse(json)!.AsObject();
        node.Remove(key);
        return $"{node.ToJsonString()[..^1]},\"{key}\":{value}}}";
    }

    private static void Close(float[] expected, float[] logits) =>
        Assert.All(expected.Zip(logits), pair => Assert.Equal(pair.First, pair.Second, 1e-4));

    private static float[] LastLogits(DecoderModel model)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([Tokens]);
        return [.. model.Logits(model.Forward(batch).narrow(0, Tokens.Length - 1, 1)).data<float>()];
    }
}

using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests.Settings;

public sealed class SettingsCaseTests
{
    [Theory]
    [InlineData("config-hidden-act", "gelu")]
    [InlineData("config-sliding-window", "sliding")]
    [InlineData("shard-index-extra-key", "shard-extra")]
    public async Task Decoder_OfACheckpoint_ComputesWhatItsConfigurationSays(string name, string folder)
    {
        using var model = await HuggingFaceFolder.LoadDecoderAsync(Path.Combine(SettingsCases.Folder(name), folder));
        var (tokens, expected) = SettingsCases.Expected(name, folder);

        foreach (bool pack in new[] { false, true })
        {
            model.PackWeights = pack;
            foreach (var (way, logits) in SettingsCases.LastLogits(model, tokens))
            {
                Assert.All(expected.Zip(logits), pair => Assert.True(Math.Abs(pair.First - pair.Second) < 1e-4,
                    $"{name}, {way}, packed {pack}: {pair.Second} for {pair.First}"));
            }
        }
    }

    [Theory]
    [InlineData("config-hidden-act", "gelu")]
    [InlineData("config-sliding-window", "sliding")]
    [InlineData("shard-index-extra-key", "shard-extra")]
    public async Task SaveAsync_OfSuchACheckpoint_KeepsTheMathematics(string name, string folder)
    {
        using var target = new TemporaryFolder();
        using var opened = HuggingFaceFolder.Open(Path.Combine(SettingsCases.Folder(name), folder));
        using (var model = opened.LoadDecoder())
        {
            await HuggingFaceFolder.SaveAsync(target["saved"], model, new() { ShardMap = opened.ShardMap });
        }

        using var again = await HuggingFaceFolder.LoadDecoderAsync(target["saved"]);
        var (tokens, expected) = SettingsCases.Expected(name, folder);

        float[] logits = SettingsCases.LastLogits(again, tokens).First().Logits;

        Assert.All(expected.Zip(logits), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public void Open_MapNamesAMissingShardOfANeedlessTensor_Loads()
    {
        using var folder = Copy("shard-index-extra-key", "shard-extra");
        string index = folder["model.safetensors.index.json"];
        File.WriteAllText(index, File.ReadAllText(index).Replace("\"lm_head.weight\": \"model-00002-of-00002.safetensors\"",
            "\"lm_head.weight\": \"model-00003-of-00003.safetensors\"", StringComparison.Ordinal));

        using var opened = HuggingFaceFolder.Open(folder.Path);
        using var model = opened.LoadDecoder();

        Assert.DoesNotContain("lm_head.weight", opened.ShardMap.Keys);
    }

    [Fact]
    public void LoadDecoder_MapListsANeededTensorThatNoShardHolds_SaysSo()
    {
        using var folder = Copy("shard-index-extra-key", "shard-extra");
        string config = File.ReadAllText(folder["config.json"])
            .Replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", StringComparison.Ordinal);
        File.WriteAllText(folder["config.json"], config);
        using var opened = HuggingFaceFolder.Open(folder.Path);

        var error = Assert.Throws<InvalidDataException>(() => opened.LoadDecoder(new CheckpointLoadOptions { RequireHead = true }));

        Assert.Contains(
            "'lm_head.weight' is missing (the shard map places it in 'model-00002-of-00002.safetensors', which does not hold it)",
            error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadDecoder_UntiedWithoutHead_GivesHiddenStatesAndRefusesTokens()
    {
        using var folder = Copy("shard-index-extra-key", "shard-extra");
        using var tied = Decoder(folder.Path);
        File.WriteAllText(folder["config.json"], File.ReadAllText(folder["config.json"])
            .Replace("\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", StringComparison.Ordinal));
        using var opened = HuggingFaceFolder.Open(folder.Path);
        using var model = opened.LoadDecoder();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([[1, 2, 3]]);

        Assert.Equal(tied.Forward(batch).data<float>().ToArray(), model.Forward(batch).data<float>().ToArray());
        Assert.False(model.HasHead);
        Assert.Contains("no output head", Assert.Throws<InvalidOperationException>(() => model.Logits(model.Forward(batch))).Message,
            StringComparison.Ordinal);
        Assert.Contains(opened.Warnings, warning => warning.Contains("no output head", StringComparison.Ordinal));
        Assert.Throws<InvalidDataException>(() => opened.LoadDecoder(new CheckpointLoadOptions { RequireHead = true }));
    }

    private static DecoderModel Decoder(string path)
    {
        using var opened = HuggingFaceFolder.Open(path);
        return opened.LoadDecoder();
    }

    private static TemporaryFolder Copy(string name, string folder)
    {
        var copy = new TemporaryFolder();
        foreach (string file in Directory.GetFiles(Path.Combine(SettingsCases.Folder(name), folder)))
        {
            File.Copy(file, copy[Path.GetFileName(file)]);
            File.SetAttributes(copy[Path.GetFileName(file)], FileAttributes.Normal);
        }

        return copy;
    }
}

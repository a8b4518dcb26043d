using System.Text.Json.Nodes;
using MiniOneRec.Modeling;

namespace MiniOneRec.Cli.Tests;

/// <summary>Language models: imported with a token for each code, and as encoders of texts.</summary>
public sealed class ImportTests : IDisposable
{
    private readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Theory]
    [InlineData("item-text")]
    [InlineData("mean")]
    public async Task A_language_model_gets_a_token_for_each_code_and_answers(string rows)
    {
        string words = await WordsAsync(), model = _shop.In("model");

        var (code, _, error) = await Shop.RunAsync(
            "import", "--from", words, "--index", _shop.Index, "--items", _shop.Items, "--new-rows", rows, "--output", model);

        Assert.True(code == 0, error);
        using var imported = await GenerativeRecommender.LoadAsync(model);
        Assert.Equal("alpaca", imported.Template.Name);
        Assert.Equal(257 + 4 + 6, imported.Model.Config.VocabularySize);
        Assert.Equal(3, (await imported.RecommendAsync(["i1"], 3)).Items.Count);

        (code, _, error) = await Shop.RunAsync("export", "--model", model, "--output", _shop.In("exported"));
        Assert.True(code == 0, error);
        Assert.True(File.Exists(_shop.In("exported/tokenizer.json")));
    }

    [Fact]
    public async Task What_cannot_be_imported_says_why()
    {
        string words = await WordsAsync();
        async Task<(int, string)> RefusalAsync(params string[] line)
        {
            var (code, _, error) = await Shop.RunAsync(["import", .. line, "--output", _shop.In("none")]);
            Assert.False(Directory.Exists(_shop.In("none")));
            return (code, error);
        }

        var (code, error) = await RefusalAsync("--from", _shop.In("nowhere"), "--index", _shop.Index);
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("nowhere", error, StringComparison.Ordinal);
        (code, error) = await RefusalAsync("--from", words);
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("--index", error, StringComparison.Ordinal);
        (code, error) = await RefusalAsync("--from", _shop.Write("half.gguf", "GGUF"), "--index", _shop.Index);
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("half.gguf", error, StringComparison.Ordinal);
        (code, error) = await RefusalAsync("--from", words, "--index", _shop.Index, "--adapter", _shop.In("nowhere"));
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("nowhere", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Vectors_in_parts_give_the_index_of_one_process(bool words)
    {
        string[] encoder = words ? ["--encoder", await WordsAsync()] : [];
        string[] data = ["--interactions", _shop.Interactions, "--items", _shop.Items],
            index = ["--quantizer", "rq-kmeans", "--levels", "4,8,16"];
        string parts = _shop.In("parts");
        await OkAsync(["index", .. data, .. index, .. encoder, "--output", _shop.In("whole")]);
        await OkAsync(["index", .. data, .. encoder, "--shard", "1/3", "--output", parts]);
        await OkAsync(["index", .. data, .. encoder, "--shard", "0/3", "--output", parts]);

        var (code, _, error) = await Shop.RunAsync(["index", .. data, .. index, "--embeddings", parts, "--output", _shop.In("joined")]);
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("--shard 2/3", error, StringComparison.Ordinal);

        await OkAsync(["index", .. data, .. encoder, "--shard", "2/3", "--output", parts]);
        await OkAsync(["index", .. data, .. index, "--embeddings", parts, "--output", _shop.In("joined")]);
        var whole = await SemanticIdIndex.LoadAsync(_shop.In("whole/orders.index.json"));
        var joined = await SemanticIdIndex.LoadAsync(_shop.In("joined/orders.index.json"));
        Assert.Equal(whole.Items, joined.Items);
        Assert.Equal(whole.Fingerprint, joined.Fingerprint);

        File.Copy(Path.Combine(parts, "vectors-0-of-3.npy"), Path.Combine(parts, "vectors-0-of-2.npy"));
        (code, _, error) = await Shop.RunAsync(["index", .. data, .. index, "--embeddings", parts, "--output", _shop.In("joined")]);
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("of 2 and of 3", error.Replace("of 3 and of 2", "of 2 and of 3", StringComparison.Ordinal),
            StringComparison.Ordinal);
    }

    private static async Task OkAsync(string[] line)
    {
        var (code, _, error) = await Shop.RunAsync(line);
        Assert.True(code == 0, error);
    }

    /// <summary>A tiny language model whose tokens are the 256 bytes and an end.</summary>
    private async Task<string> WordsAsync()
    {
        string folder = _shop.In("words");
        var vocabulary = new JsonObject();
        int others = 256;
        for (int value = 0; value < 256; value++)
        {
            bool stands = value is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174 and <= 255);
            vocabulary[((char)(stands ? value : others++)).ToString()] = value;
        }

        var tokenizer = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(new JsonObject
            {
                ["id"] = 256, ["content"] = "<|endoftext|>", ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false,
                    ["normalized"] = false, ["special"] = true,
            }),
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = true },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = new JsonArray() },
        };
        using var model = new DecoderModel(DecoderConfig.Small(257, 16, 1, 2));
        await HuggingFaceFolder.SaveAsync(folder, model);
        await File.WriteAllTextAsync(Path.Combine(folder, "tokenizer.json"), tokenizer.ToJsonString());
        await File.WriteAllTextAsync(Path.Combine(folder, "tokenizer_config.json"), """{ "eos_token": "<|endoftext|>" }""");
        return folder;
    }
}

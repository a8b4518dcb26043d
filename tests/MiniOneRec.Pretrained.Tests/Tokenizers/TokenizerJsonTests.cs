using System.Text;
using System.Text.Json.Nodes;
using MiniOneRec.Modeling.Tests;

namespace MiniOneRec.Pretrained.Tests.Tokenizers;

public sealed class TokenizerJsonTests
{
    [Theory]
    [InlineData("model.type", "\"Unigram\"", "model.type")]
    [InlineData("model.byte_fallback", "true", "byte_fallback")]
    [InlineData("model.vocab", "{}", "model.vocab")]
    [InlineData("model.vocab", "{\"a\":0,\"b\":0}", "no other token has")]
    [InlineData("model.vocab", "{\"a\":-1}", "token id")]
    [InlineData("model.vocab", "{\"a\":2147483647}", "token id")]
    [InlineData("model.vocab", "{\"a\":0,\"a\":1}", "Duplicate")]
    [InlineData("model.vocab", "{\"a\":1e99}", "token id")]
    [InlineData("model.vocab", "{\"\\ud800\":1}", "JSON")]
    [InlineData("model.merges", "[\"h\"]", "model.merges")]
    [InlineData("model.merges", "[\"h zz\"]", "model.merges")]
    [InlineData("model.merges", "[\"h e\",\"h e\"]", "each pair once")]
    [InlineData("model.merges", "[[1,2]]", "JSON")]
    [InlineData("pre_tokenizer", "null", "pre_tokenizer")]
    [InlineData("pre_tokenizer", "{\"type\":\"Metaspace\"}", "Metaspace")]
    [InlineData("pre_tokenizer", "{\"type\":\"Digits\"}", "ByteLevel step")]
    [InlineData("pre_tokenizer", "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"},\"behavior\":\"Isolated\"}", "cannot be used")]
    [InlineData("normalizer", "{\"type\":\"Nmt\"}", "Nmt")]
    [InlineData("added_tokens", "[{\"id\":3,\"content\":\"x\"}]", "no other token has")]
    [InlineData("added_tokens", "[{\"id\":500}]", "content")]
    [InlineData("added_tokens", "7", "added_tokens")]
    public void Parse_HostileFile_NamesTheKey(string key, string value, string problem)
    {
        string[] keys = key.Split('.');
        string json = ToyTokenizer.Json().ToJsonString();
        var root = JsonNode.Parse(json)!;
        var parent = keys.Length == 1 ? root : root[keys[0]]!;
        parent[keys[^1]] = "@@@";
        byte[] file = Encoding.UTF8.GetBytes(root.ToJsonString().Replace("\"@@@\"", value, StringComparison.Ordinal));

        var error = Assert.Throws<InvalidDataException>(() => TokenizerJson.Parse(file, "bad.json"));

        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
        Assert.Contains("bad.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_DeepJson_IsRefused()
    {
        byte[] file = Encoding.UTF8.GetBytes("{\"model\":" + new string('[', 100_000) + new string(']', 100_000) + "}");

        Assert.Throws<InvalidDataException>(() => TokenizerJson.Parse(file, "deep.json"));
    }

    [Fact]
    public void Parse_EndlessPattern_IsRefused()
    {
        var json = ToyTokenizer.Json();
        json["pre_tokenizer"]!["pretokenizers"]![0]!["pattern"]!["Regex"] = new string('a', SplitPatterns.Longest + 1);

        var error = Assert.Throws<InvalidDataException>(() => ToyTokenizer.Make(json));

        Assert.Contains("2049 characters", error.Message, StringComparison.Ordinal);
        Assert.InRange(error.Message.Length, 1, 400);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(2_000)]
    public void Parse_LongPattern_AllocatesNoMoreThanAConstant(int length)
    {
        var json = ToyTokenizer.Json();
        json["pre_tokenizer"]!["pretokenizers"]![0]!["pattern"]!["Regex"] = "(?i:" + new string('{', length) + ")";

        Assert.InRange(Allocated(json), 1, 4 << 20);
    }

    [Fact]
    public void Parse_LongAddedTokens_AllocatesAFewTimesTheFile()
    {
        var json = ToyTokenizer.Json();
        int next = 500;
        foreach (int length in new[] { 100_000, 50_000, 49_999 })
        {
            json["added_tokens"]!.AsArray().Add(ToyTokenizer.Added(next++, new string('<', length), normalized: length % 2 == 0));
        }

        Assert.InRange(Allocated(json), 1, (20 * 200_000) + (1 << 20));
    }

    private static long Allocated(JsonObject json)
    {
        byte[] file = Encoding.UTF8.GetBytes(json.ToJsonString());
        ToyTokenizer.Make().Encode("once");
        long before = GC.GetAllocatedBytesForCurrentThread();
        TextTokenizer.Parse(file, "toy.json", new TokenizerSettings()).Encode("hello world <<<");
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    [Fact]
    public async Task LoadAsync_MissingFile_NamesIt()
    {
        using var folder = new TemporaryFolder();

        var error = await Assert.ThrowsAsync<FileNotFoundException>(() => TextTokenizer.LoadAsync(folder.Path));

        Assert.Contains("tokenizer.json", error.Message, StringComparison.Ordinal);
    }
}

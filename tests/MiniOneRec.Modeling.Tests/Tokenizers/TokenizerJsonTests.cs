using System.Text;
using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling.Tests.Tokenizers;

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
    [InlineData("normalizer", "{\"type\":\"Lowercase\"}", "Lowercase")]
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
    public async Task LoadAsync_MissingFile_NamesIt()
    {
        using var folder = new TemporaryFolder();

        var error = await Assert.ThrowsAsync<FileNotFoundException>(() => TextTokenizer.LoadAsync(folder.Path));

        Assert.Contains("tokenizer.json", error.Message, StringComparison.Ordinal);
    }
}

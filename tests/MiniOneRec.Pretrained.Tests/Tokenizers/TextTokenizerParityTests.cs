using System.Text;
using System.Text.Json;
using MiniOneRec.Modeling.Tests;

namespace MiniOneRec.Pretrained.Tests.Tokenizers;

[Trait("Category", "Parity")]
public sealed class TextTokenizerParityTests
{
    private static readonly Lazy<Task<TextTokenizer>> Qwen = new(() => TextTokenizer.LoadAsync(TestData.ForeignFixture("tokenizer")));

    [SkippableFact]
    public async Task Encode_PlainStrings_GivesTheReferenceIds()
    {
        string folder = TestData.ForeignFixture("tokenizer");
        var tokenizer = await Qwen.Value;
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));

        Compare(tokenizer, expected.RootElement.GetProperty("plain"));
    }

    [SkippableFact]
    public async Task Encode_AddedSemanticIdTokens_GivesTheReferenceIds()
    {
        string folder = TestData.ForeignFixture("tokenizer");
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        var sids = expected.RootElement.GetProperty("sid_tokens").EnumerateArray().Select(token => token.GetString()!).ToArray();
        var tokenizer = (await Qwen.Value).WithAddedTokens(sids);

        Assert.True(tokenizer.TryGetToken(sids[0], out int first));
        Assert.Equal(expected.RootElement.GetProperty("first_sid_id").GetInt32(), first);
        Assert.Equal(first + sids.Length, tokenizer.VocabularySize);
        Compare(tokenizer, expected.RootElement.GetProperty("with_sid"));
    }

    [SkippableFact]
    public async Task SaveAsync_AddedTokens_ReadsBackTheSame()
    {
        string folder = TestData.ForeignFixture("tokenizer");
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "expected.json")));
        var sids = expected.RootElement.GetProperty("sid_tokens").EnumerateArray().Select(token => token.GetString()!).ToArray();
        using var target = new TemporaryFolder();

        await (await Qwen.Value).WithAddedTokens(sids).SaveAsync(target.Path);

        var again = await TextTokenizer.LoadAsync(target.Path);
        Compare(again, expected.RootElement.GetProperty("with_sid"));
        using var before = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "tokenizer.json")));
        using var after = JsonDocument.Parse(File.ReadAllBytes(target["tokenizer.json"]));
        foreach (var property in before.RootElement.EnumerateObject().Where(property => property.Name != "added_tokens"))
        {
            Assert.True(JsonElement.DeepEquals(property.Value, after.RootElement.GetProperty(property.Name)), property.Name);
        }

        var tokensBefore = before.RootElement.GetProperty("added_tokens").EnumerateArray().ToArray();
        var tokensAfter = after.RootElement.GetProperty("added_tokens").EnumerateArray().ToArray();
        Assert.Equal(tokensBefore.Length + sids.Length, tokensAfter.Length);
        Assert.All(tokensBefore.Zip(tokensAfter), pair => Assert.True(JsonElement.DeepEquals(pair.First, pair.Second)));
    }

    [SkippableFact]
    public async Task Encode_SmolLm2_GivesTheReferenceIds()
    {
        using var expected = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestData.ForeignFixture("smollm2"), "expected.json")));
        var tokenizer = await TextTokenizer.LoadAsync(TestData.Model("SmolLM2-135M-Instruct"));

        Compare(tokenizer, expected.RootElement.GetProperty("tokenizer"));
        Compare(tokenizer, expected.RootElement.GetProperty("prompts"));
        Assert.Equal("<|im_end|>", tokenizer.Decode([tokenizer.EndToken]));
    }

    internal static void Compare(TextTokenizer tokenizer, JsonElement cases)
    {
        int compared = 0;
        foreach (var entry in cases.EnumerateArray())
        {
            string text = entry.GetProperty("text").GetString()!;
            int[] ids = [.. entry.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];

            int[] made = tokenizer.Encode(text);

            Assert.True(ids.AsSpan().SequenceEqual(made),
                $"'{text}': expected [{string.Join(", ", ids)}], got [{string.Join(", ", made)}]");
            string decoded = entry.TryGetProperty("decoded", out var stored) ? stored.GetString()! : tokenizer.Decode(made);
            Assert.Equal(decoded, tokenizer.Decode(ids));
            if (!entry.TryGetProperty("decoded", out _))
            {
                Assert.Equal(text.Normalize(NormalizationForm.FormC), decoded.Normalize(NormalizationForm.FormC));
            }

            var streaming = tokenizer.CreateStreamingDecoder();
            Assert.Equal(decoded, string.Concat(ids.Select(streaming.Append)) + streaming.Finish());
            compared++;
        }

        Assert.True(compared > 0);
    }
}

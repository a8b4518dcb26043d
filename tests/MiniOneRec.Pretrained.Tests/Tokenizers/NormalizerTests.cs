using System.Text.Json.Nodes;

namespace MiniOneRec.Pretrained.Tests.Tokenizers;

/// <summary>The steps of a normalizer, by their published rules.</summary>
public sealed class NormalizerTests
{
    [Theory]
    [InlineData("""{"type":"Sequence","normalizers":[]}""", " a B ", " a B ")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"NFC"}]}""", "e\u0301", "\u00e9")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"NFD"},{"type":"StripAccents"},{"type":"Lowercase"}]}""", "\u00c9tude", "etude")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"_"},{"type":"Replace","pattern":{"String":" "},"content":"_"}]}""", "a b  c", "_a_b__c")]
    [InlineData("""{"type":"Sequence","normalizers":[{"type":"Sequence","normalizers":[{"type":"NFKC"}]},{"type":"Strip","strip_left":true,"strip_right":true}]}""", " \u00a0\ufb01x\t", "fix")]
    [InlineData("""{"type":"Strip","strip_left":true,"strip_right":false}""", "  a ", "a ")]
    [InlineData("""{"type":"Strip","strip_left":false,"strip_right":true}""", "  a ", "  a")]
    [InlineData("""{"type":"Strip","strip_left":false,"strip_right":false}""", " a ", " a ")]
    [InlineData("""{"type":"Lowercase"}""", "\u0130STANBUL \u03a3\u03a3 \U00010400", "i\u0307stanbul \u03c3\u03c3 \U00010428")]
    [InlineData("""{"type":"Replace","pattern":{"Regex":"[0-9]+"},"content":"$0"}""", "a12b3", "a$0b$0")]
    [InlineData("""{"type":"Replace","pattern":{"String":"."},"content":""}""", "a.b", "ab")]
    [InlineData("""{"type":"Prepend","prepend":"x"}""", "", "")]
    public void Encode_AppliesEachStepInOrder(string normalizer, string text, string expected) =>
        Assert.Equal(Make("null").Encode(expected), Make(normalizer).Encode(text));

    [Fact]
    public void Encode_Prepend_StandsBeforeEachPieceBetweenSpecialTokens() =>
        Assert.Equal([.. Make("null").Encode("_a"), 265, .. Make("null").Encode("_b")], Make("""{"type":"Prepend","prepend":"_"}""").Encode("a<|endoftext|>b"));

    [Fact]
    public void Encode_AddedTokenIsNormalizedToo_IsFoundInNormalizedText()
    {
        var json = ToyTokenizer.Json();
        json["normalizer"] = JsonNode.Parse("""{"type":"Lowercase"}""");
        ((JsonArray)json["added_tokens"]!).Add(ToyTokenizer.Added(266, "BIG", normalized: true));

        Assert.Equal([266], ToyTokenizer.Make(json).Encode("bIg"));
    }

    [Fact]
    public void Encode_StepsThatGrowTextWithoutEnd_AreRefused()
    {
        string step = """{"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaaaaaaaa"}""";
        var tokenizer = Make($$"""{"type":"Sequence","normalizers":[{{string.Join(',', Enumerable.Repeat(step, 40))}}]}""");

        var error = Assert.Throws<InvalidDataException>(() => tokenizer.Encode("a"));

        Assert.Contains("normalizer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_TooManySteps_IsRefused()
    {
        string steps = string.Join(',', Enumerable.Repeat("""{"type":"NFC"}""", 65));

        var error = Assert.Throws<InvalidDataException>(() => Make($$"""{"type":"Sequence","normalizers":[{{steps}}]}"""));

        Assert.Contains("normalizer", error.Message, StringComparison.Ordinal);
    }

    private static TextTokenizer Make(string normalizer)
    {
        var json = ToyTokenizer.Json();
        json["normalizer"] = JsonNode.Parse(normalizer);
        return ToyTokenizer.Make(json);
    }
}

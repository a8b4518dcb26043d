using System.Text;
using System.Text.Json.Nodes;
using MiniOneRec.Modeling.Tests;

namespace MiniOneRec.Pretrained.Tests.Tokenizers;

public sealed class TextTokenizerTests
{
    [Fact]
    public void Encode_Words_MergesByRank()
    {
        var tokenizer = ToyTokenizer.Make();

        Assert.Equal(["hello", "Ġworld", "!"], Tokens(tokenizer, "hello world!"));
        Assert.Equal([], tokenizer.Encode(""));
        Assert.Equal(266, tokenizer.VocabularySize);
    }

    [Theory]
    [InlineData("naïve café — 東京 \U0001F600 \U0001D400\U00020000 x\r\n\t  end  ")]
    [InlineData("e\u0301")]
    [InlineData("\0\u007f\u0080")]
    public void Decode_AnyText_RoundTripsToItsNormalForm(string text)
    {
        var tokenizer = ToyTokenizer.Make();

        int[] tokens = tokenizer.Encode(text);

        Assert.Equal(text.Normalize(NormalizationForm.FormC), tokenizer.Decode(tokens));
        var streaming = tokenizer.CreateStreamingDecoder();
        Assert.Equal(tokenizer.Decode(tokens), string.Concat(tokens.Select(streaming.Append)) + streaming.Finish());
    }

    [Fact]
    public void Append_TokensOfOneCharacter_WaitsUntilItIsWhole()
    {
        var tokenizer = ToyTokenizer.Make();
        int[] tokens = tokenizer.Encode("\U0001F600");
        var streaming = tokenizer.CreateStreamingDecoder();

        Assert.Equal(["", "", "", "\U0001F600"], tokens.Select(streaming.Append));
        Assert.Equal("", streaming.Finish());
        Assert.Equal("", streaming.Append(tokens[0]));
        Assert.Equal("\uFFFD", streaming.Finish());
    }

    [Fact]
    public void Encode_LoneSurrogate_IsReadAsReplacementCharacter()
    {
        var tokenizer = ToyTokenizer.Make();

        Assert.Equal(tokenizer.Encode("a\uFFFDb"), tokenizer.Encode("a\uD800b"));
    }

    [Fact]
    public void WithAddedTokens_SemanticIds_AreFoundInText()
    {
        var tokenizer = ToyTokenizer.Make().WithAddedTokens(["<a_1>", "<a_12>", "<b_0>", "<a_1>", "hello"]);

        Assert.Equal(["<a_12>", "<b_0>", ",", "Ġ", "<a_1>", "<", "a", "_", "1", "3", ">"], Tokens(tokenizer, "<a_12><b_0>, <a_1><a_13>"));
        Assert.Equal(266 + 3, tokenizer.VocabularySize);
        Assert.True(tokenizer.TryGetToken("<b_0>", out int token));
        Assert.Equal(268, token);
        Assert.Equal("<a_12><b_0>, <a_1>", tokenizer.Decode(tokenizer.Encode("<a_12><b_0>, <a_1>"), skipSpecial: true));
    }

    [Fact]
    public void Decode_SkipSpecial_LeavesOnlyText()
    {
        var tokenizer = ToyTokenizer.Make();

        int[] tokens = tokenizer.Encode("hello<|endoftext|>");

        Assert.Equal(tokenizer.EndToken, tokens[^1]);
        Assert.Equal("hello<|endoftext|>", tokenizer.Decode(tokens));
        Assert.Equal("hello", tokenizer.Decode(tokens, skipSpecial: true));
        Assert.Throws<ArgumentException>(() => tokenizer.Decode([tokenizer.VocabularySize]));
        Assert.Throws<ArgumentException>(() => tokenizer.Decode([-1]));
    }

    [Fact]
    public void Encode_NormalizedAddedToken_IsFoundInNormalizedText()
    {
        var json = ToyTokenizer.Json();
        json["added_tokens"]!.AsArray().Add(ToyTokenizer.Added(266, "<caf\u00e9>", normalized: true));
        json["added_tokens"]!.AsArray().Add(ToyTokenizer.Added(267, "[caf\u00e9]", normalized: false));
        var tokenizer = ToyTokenizer.Make(json);

        Assert.Equal([266], tokenizer.Encode("<cafe\u0301>"));
        Assert.Equal([267], tokenizer.Encode("[caf\u00e9]"));
        Assert.DoesNotContain(267, tokenizer.Encode("[cafe\u0301]"));
    }

    [Fact]
    public void Encode_StrippingAndSingleWordTokens_FollowTheirFlags()
    {
        var json = ToyTokenizer.Json();
        json["added_tokens"]!.AsArray().Add(ToyTokenizer.Added(266, "<m>", left: true, right: true));
        json["added_tokens"]!.AsArray().Add(ToyTokenizer.Added(267, "tok", singleWord: true));
        var tokenizer = ToyTokenizer.Make(json);

        Assert.Equal(["a", "<m>", "b"], Tokens(tokenizer, "a \t<m>  b"));
        Assert.Equal(["tok", ".", "t", "o", "k", "s"], Tokens(tokenizer, "tok.toks"));
    }

    [Fact]
    public void Encode_SingleWordThatDoesNotStandAlone_HidesTokensInsideIt()
    {
        var json = ToyTokenizer.Json();
        json["added_tokens"]!.AsArray().Add(ToyTokenizer.Added(266, "abc", singleWord: true));
        json["added_tokens"]!.AsArray().Add(ToyTokenizer.Added(267, "bc"));
        var tokenizer = ToyTokenizer.Make(json);

        Assert.Equal(["x", "a", "b", "c"], Tokens(tokenizer, "xabc"));
        Assert.Equal(["x", "a", "b", "c", "bc", ".", "abc"], Tokens(tokenizer, "xabcbc.abc"));
    }

    [Theory]
    [InlineData(null, false, "a\rb", new[] { "ab" })]
    [InlineData("<unk>", false, "a\rb", new[] { "a", "<unk>", "b" })]
    [InlineData("<unk>", false, "\r\rab\r", new[] { "<unk>", "<unk>", "ab", "<unk>" })]
    [InlineData("<unk>", true, "\r\rab\r", new[] { "<unk>", "ab", "<unk>" })]
    [InlineData("<unk>", false, "ab", new[] { "ab" })]
    public void Encode_ByteThatTheVocabularyLacks_IsTheUnknownToken(string? unknown, bool fuses, string text, string[] expected)
    {
        var json = ToyTokenizer.Json();
        json["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = false };
        var vocab = json["model"]!["vocab"]!.AsObject();
        vocab.Remove(ByteAlphabet.LetterOf((byte)'\r').ToString());
        vocab["<unk>"] = 500;
        vocab["ab"] = 501;
        json["model"]!["merges"]!.AsArray().Add("a b");
        json["model"]!["unk_token"] = unknown;
        json["model"]!["fuse_unk"] = fuses;

        Assert.Equal(expected, Tokens(ToyTokenizer.Make(json), text));
    }

    [Fact]
    public void Parse_UnknownTokenOutsideOfTheVocabulary_IsRefusedWhereBytesLack()
    {
        var json = ToyTokenizer.Json();
        json["model"]!["unk_token"] = "<unk>";
        Assert.Equal(["a"], Tokens(ToyTokenizer.Make((JsonObject)json.DeepClone()), "a"));
        json["model"]!["vocab"]!.AsObject().Remove("z");

        Assert.Contains("unk_token", Assert.Throws<InvalidDataException>(() => ToyTokenizer.Make(json)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Encode_NonCharacter_IsKept()
    {
        var tokenizer = ToyTokenizer.Make();

        Assert.Equal("e\uFFFE\u00e9\uFFFF", tokenizer.Decode(tokenizer.Encode("e\uFFFEe\u0301\uFFFF")));
    }

    [Fact]
    public void Encode_IgnoreMerges_KeepsWholePieces()
    {
        var json = ToyTokenizer.Json();
        json["model"]!["vocab"]!["zebra"] = 900;
        Assert.Equal(["z", "e", "b", "r", "a"], Tokens(ToyTokenizer.Make((JsonObject)json.DeepClone()), "zebra"));
        json["model"]!["ignore_merges"] = true;

        Assert.Equal(["zebra"], Tokens(ToyTokenizer.Make(json), "zebra"));
    }

    [Fact]
    public void Encode_ManyThreads_EqualsOneThread()
    {
        var tokenizer = ToyTokenizer.Make().WithAddedTokens(["<a_1>"]);
        string[] texts = [.. Enumerable.Range(0, 500).Select(i => $"hello world {i} <a_1> caf{(char)('a' + i % 26)} {i * 7919}")];
        int[][] expected = [.. texts.Select(ToyTokenizer.Make().WithAddedTokens(["<a_1>"]).Encode)];

        Parallel.For(0, texts.Length, i => Assert.Equal(expected[i], tokenizer.Encode(texts[i])));
    }

    [Fact]
    public async Task SaveAsync_ReadsBackTheSame()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = ToyTokenizer.Make().WithAddedTokens(["<a_0>", "<a_1>"]);

        await tokenizer.SaveAsync(folder.Path);

        var again = await TextTokenizer.LoadAsync(folder.Path);
        Assert.Equal(tokenizer.AddedTokens, again.AddedTokens);
        Assert.Equal(tokenizer.EndToken, again.EndToken);
        Assert.Equal(tokenizer.Encode("hello <a_1>"), again.Encode("hello <a_1>"));
    }

    [Fact]
    public void EndToken_NoneNamed_SaysWhatToCall()
    {
        var json = ToyTokenizer.Json();
        json["added_tokens"] = new JsonArray();
        var tokenizer = ToyTokenizer.Make(json);

        Assert.Contains("WithEndToken", Assert.Throws<InvalidOperationException>(() => tokenizer.EndToken).Message,
            StringComparison.Ordinal);
        Assert.Equal((int)'!', tokenizer.Decode([tokenizer.WithEndToken("!").EndToken])[0]);
    }

    private static string[] Tokens(TextTokenizer tokenizer, string text) =>
        [.. tokenizer.Encode(text).Select(id => ByteAlphabet.Spell(tokenizer.Decode([id])))];
}

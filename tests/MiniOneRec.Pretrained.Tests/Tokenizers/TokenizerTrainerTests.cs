using MiniOneRec.Modeling.Tests;

namespace MiniOneRec.Pretrained.Tests.Tokenizers;

public sealed class TokenizerTrainerTests
{
    private static readonly string[] Texts = ["red lamp", "red chair", "blue lamp", "blue chair", "red desk, large"];

    [Fact]
    public void Train_FrequentWords_BecomeTokens()
    {
        var tokenizer = TokenizerTrainer.Train(Texts, 300);

        Assert.Single(tokenizer.Encode(" lamp"));
        Assert.Equal(2, tokenizer.Encode("red lamp").Length);
        Assert.True(tokenizer.VocabularySize <= 300);
        Assert.Equal(0, tokenizer.EndToken);
        Assert.Null(tokenizer.BeginToken);
    }

    [Theory]
    [InlineData("red lamp")]
    [InlineData("Läufer, 3 m – „neu“ 🪑\n\n\"a\"  b")]
    [InlineData("")]
    public void Encode_AnyText_DecodesToItself(string text)
    {
        var tokenizer = TokenizerTrainer.Train(Texts, 300);

        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public void Train_FirstMerges_AreTheMostFrequentPairs()
    {
        // "ab" occurs six times, then "abc" four times; "x" has no neighbour.
        var tokenizer = TokenizerTrainer.Train(["abc", "abc", "abc", "abc", "abd", "abd", "x"], 259);

        Assert.Equal(259, tokenizer.VocabularySize);
        Assert.Equal([[257], [258], [257, Only(tokenizer, "d")], [Only(tokenizer, "x")]],
            new[] { "ab", "abc", "abd", "x" }.Select(tokenizer.Encode));
    }

    [Fact]
    public void Train_NoPairTwice_HasBytesAlone() =>
        Assert.Equal(257, TokenizerTrainer.Train(["abc"], 5_000).VocabularySize);

    [Fact]
    public void Train_TooSmall_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => TokenizerTrainer.Train(Texts, 256));

    [Fact]
    public async Task Save_WithCodes_LoadsTheSame()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = TokenizerTrainer.Train(Texts, 300).WithSemanticIds([2, 2], out var codes);
        await tokenizer.SaveAsync(folder.Path);

        var loaded = await TextTokenizer.LoadAsync(folder.Path);

        const string Text = "red <a_1><b_0> lamp";
        Assert.Equal(tokenizer.Encode(Text), loaded.Encode(Text));
        Assert.Equal(tokenizer.VocabularySize, loaded.VocabularySize);
        Assert.Equal(tokenizer.EndToken, loaded.EndToken);
        Assert.Contains(codes.Token(0, 1), loaded.Encode(Text));
    }

    private static int Only(TextTokenizer tokenizer, string text) => Assert.Single(tokenizer.Encode(text));
}

using Microsoft.Extensions.AI;
using MiniOneRec.Modeling;
using MiniOneRec.Modeling.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained.Tests;

public sealed class DecoderTextEncoderTests
{
    [Theory]
    [InlineData(Pooling.LastToken, "last_token_l2")]
    [InlineData(Pooling.MaskedMean, "masked_mean")]
    [Trait("Category", "Parity")]
    public void Pool_BothRecipes_EqualTheReference(Pooling pooling, string key)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Fixtures.Decoder("qwen3");
        var expected = Fixtures.Tensors("qwen3", "expected-embedding.safetensors");
        long rows = expected["input_ids"].size(0);
        int[][] sequences = [.. Enumerable.Range(0, (int)rows).Select(b =>
        {
            long[] mask = [.. expected["attention_mask"][b].data<long>()];
            return expected["input_ids"][b].data<long>().ToArray().Where((_, t) => mask[t] == 1).Select(token => (int)token).ToArray();
        })];
        using var batch = TokenBatch.Of(sequences);

        Fixtures.Close(expected[key], DecoderTextEncoder.Pool(model.Forward(batch), batch, pooling), 1e-5, key);
    }

    [Fact]
    public async Task Generate_ManyTexts_DoNotDependOnTheBatchAndLongOnesAreCut()
    {
        using var model = Fixtures.Decoder("llama");
        string[] texts = ["a", "a longer text", "", new string('x', 500), "b c d"];
        using var wide = new DecoderTextEncoder(model, new Letters(), new DecoderEncoderOptions { MaxTokens = 40 });
        using var narrow = new DecoderTextEncoder(model, new Letters(), new DecoderEncoderOptions { MaxTokens = 40, BatchTokens = 1 });

        var together = await wide.GenerateAsync(texts);
        var alone = await narrow.GenerateAsync(texts);

        Assert.Equal(texts.Length, together.Count);
        Assert.Equal(2 + 14 + 1 + 40 + 6, together.Usage!.InputTokenCount);
        for (int i = 0; i < texts.Length; i++)
        {
            Assert.Equal(1, together[i].Vector.ToArray().Sum(v => (double)v * v), 1e-4);
            Assert.All(together[i].Vector.ToArray().Zip(alone[i].Vector.ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }

        Assert.Equal(64, ((EmbeddingGeneratorMetadata)wide.GetService(typeof(EmbeddingGeneratorMetadata))!).DefaultModelDimensions);
    }

    [Fact]
    public async Task Generate_EndTokenOfTheOptions_ClosesTheText()
    {
        using var model = Fixtures.Decoder("llama");
        using var named = new DecoderTextEncoder(model, new Letters(), new DecoderEncoderOptions { EndToken = "<close>" });
        using var written = new DecoderTextEncoder(model, new Letters(), new DecoderEncoderOptions { AppendEndToken = false });
        using var usual = new DecoderTextEncoder(model, new Letters());

        float[] expected = (await written.GenerateAsync(["text" + (char)Letters.Close]))[0].Vector.ToArray();

        Assert.Equal(expected, (await named.GenerateAsync(["text"]))[0].Vector.ToArray());
        Assert.NotEqual(expected, (await usual.GenerateAsync(["text"]))[0].Vector.ToArray());
        var error = Assert.Throws<ArgumentException>(() =>
            new DecoderTextEncoder(model, new Letters(), new DecoderEncoderOptions { EndToken = "<other>" }));
        Assert.Contains("'<other>'", error.Message, StringComparison.Ordinal);
    }

    private sealed class Letters : ITextTokenizer
    {
        public const int Close = 499;

        public int VocabularySize => 512;

        public int EndToken => 511;

        public string? ChatTemplate => null;

        public int[] Encode(string text) => [.. text.Select(letter => letter % 500)];

        public string Decode(IReadOnlyList<int> tokens) => throw new NotSupportedException();

        public bool TryGetToken(string text, out int token)
        {
            token = Close;
            return text == "<close>";
        }
    }
}

using MiniOneRec.Modeling;
using MiniOneRec.Modeling.Tests;
using MiniOneRec.Pretrained.Tests.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained.Tests;

public sealed class VocabularyExtensionTests
{
    private const int Known = 500;                          // of 512 rows: the last twelve are stale padding
    private static readonly int[] LevelSizes = [8, 6, 6];

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string folder in new[] { "qwen2-tied", "qwen2-untied-bf16-sharded", "llama" })
            {
                foreach (string kind in new[] { "normal", "text", "codebook" })
                {
                    cases.Add(folder, kind);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Extend_KeepsTrainedRowsAndMakesTheGrid(string folder, string kind)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var original = Load(folder);
        var vocabulary = SemanticIdVocabulary.Grid(LevelSizes, Known);

        using var extended = VocabularyExtension.Extend(Load(folder), vocabulary, Known, Initializer(kind), seed: 3, multiple: 16);

        Assert.Equal(528, extended.Config.VocabularySize);
        Assert.Equal(original.EmbeddingWeight.dtype, extended.EmbeddingWeight.dtype);
        Assert.Equal(original.Config.TieWordEmbeddings, extended.Config.TieWordEmbeddings);
        foreach (var (before, after) in new[] { (original.EmbeddingWeight, extended.EmbeddingWeight),
            (original.HeadWeight, extended.HeadWeight) })
        {
            Assert.True((before.narrow(0, 0, Known) == after.narrow(0, 0, Known)).all().item<bool>());
            var made = after.narrow(0, Known, 28).to_type(ScalarType.Float32);
            var stale = before.narrow(0, Known, 12).to_type(ScalarType.Float32);
            Assert.True(made.narrow(0, 0, 20).isfinite().all().item<bool>());
            Assert.True((made.narrow(0, 0, 12) - stale).square().sum(1).min().item<float>() > 1e-6, "a stale padding row stayed");
            Assert.True((cdist(made.narrow(0, 0, 20), made.narrow(0, 0, 20)) + eye(20)).min().item<float>() > 1e-3,
                "two new rows are alike");
        }

        using var batch = TokenBatch.Of([[5, 9, 100]]);
        var expected = original.Logits(original.Forward(batch)).narrow(1, 0, Known);
        Assert.True((expected == extended.Logits(extended.Forward(batch)).narrow(1, 0, Known)).all().item<bool>());
    }

    [Theory]
    [InlineData("normal")]
    [InlineData("text")]
    [InlineData("codebook")]
    public void Extend_SameSeed_GivesTheSameRows(string kind)
    {
        using var scope = NewDisposeScope();
        var vocabulary = SemanticIdVocabulary.Grid(LevelSizes, Known);
        DecoderModel Make(long seed) => VocabularyExtension.Extend(Load("llama"), vocabulary, Known, Initializer(kind), seed);
        using var first = Make(1);
        using var second = Make(1);
        using var other = Make(2);

        Assert.True((first.EmbeddingWeight == second.EmbeddingWeight).all().item<bool>());
        Assert.Equal(kind == "text", (first.EmbeddingWeight == other.EmbeddingWeight).all().item<bool>());
    }

    [Fact]
    public void Mean_IsTheMeanOfEachColumn()
    {
        using var scope = NewDisposeScope();
        var known = randn(266, 6, generator: new Generator(6)) + 0.25;

        Fixtures.Close(known.mean([0]), TokenRowInitializer.Mean(known), 1e-6, "mean");
    }

    [Fact]
    public void NormalRows_ManyRows_HaveMeanAndCovarianceOfTheKnownOnes()
    {
        using var scope = NewDisposeScope();
        var mixing = randn(6, 6, generator: new Generator(5));
        var known = randn(20_000, 6, generator: new Generator(6)).mm(mixing) + 3;

        var made = new NormalRows().MakeRows(known, SemanticIdVocabulary.Grid([20_000], 0), new Generator(7));

        var mean = TokenRowInitializer.Mean(known);
        Fixtures.Close(mean, made.mean([0]), 0.1, "mean");
        var expected = TokenRowInitializer.Covariance(known, mean);
        Fixtures.CloseRelative(expected, TokenRowInitializer.Covariance(made, made.mean([0])), 0.05, "covariance");
    }

    [Fact]
    public void NormalRows_FewerRowsThanWidth_StillHasARoot()
    {
        using var scope = NewDisposeScope();

        var made = new NormalRows()
            .MakeRows(randn(3, 40, generator: new Generator(1)), SemanticIdVocabulary.Grid([5], 0), new Generator(2));

        Assert.True(made.isfinite().all().item<bool>());
    }

    [Fact]
    public void CodebookRows_Distances_KeepTheirRatios()
    {
        using var scope = NewDisposeScope();
        var known = randn(300, 32, generator: new Generator(1));
        var codebook = randn(8, 4, generator: new Generator(2));

        var made = new CodebookRows([codebook]).MakeRows(known, SemanticIdVocabulary.Grid([8], 0), new Generator(3));

        var expected = cdist(codebook, codebook);
        var actual = cdist(made, made);
        Fixtures.Close(expected / expected.max(), actual / actual.max(), 1e-4, "distances");
        var mean = TokenRowInitializer.Mean(known);
        Assert.Equal(TokenRowInitializer.Spread(known, mean), TokenRowInitializer.Spread(made, mean), 1e-2);
        Assert.Throws<ArgumentException>(() =>
            new CodebookRows([codebook]).MakeRows(known, SemanticIdVocabulary.Grid([9], 0), new Generator(3)));
        Assert.Throws<ArgumentException>(() =>
            new CodebookRows([codebook]).MakeRows(known, SemanticIdVocabulary.Grid([8, 2], 0), new Generator(3)));
    }

    [Fact]
    public void ItemTextRows_CodesWithEqualText_BeginAlike()
    {
        using var scope = NewDisposeScope();
        var known = randn(266, 16, generator: new Generator(1));
        var index = Index();
        var texts = index.Items.Select((item, row) => (item, text: row < 2 ? "hello world" : $"thing {row} of another kind"))
            .ToDictionary(pair => pair.item, pair => pair.text);

        var made = new ItemTextRows(index, texts, ToyTokenizer.Make())
            .MakeRows(known, SemanticIdVocabulary.Grid([4, 4], 0), new Generator(3));

        // Codes 0 and 1 of level 1 hold one item each, with the same text; code 2 another; code 3 none.
        Fixtures.Close(made[4], made[5], 1e-5, "equal text");
        Assert.True((made[4] - made[6]).square().sum().item<float>() > 1);
        Assert.True(made[7].isfinite().all().item<bool>());
    }

    [Fact]
    public void Extend_MoreKnownTokensThanRows_IsRefused()
    {
        using var model = Load("llama");

        Assert.Throws<ArgumentException>(() =>
            VocabularyExtension.Extend(model, SemanticIdVocabulary.Grid([4], 600), 600, new NormalRows()));
    }

    [Fact]
    public void WithSemanticIds_GridOfTheTokenizer_IsFoundAgain()
    {
        var tokenizer = ToyTokenizer.Make().WithAddedTokens(["<b_1>", "<x>", "<b_007x>"]).WithSemanticIds([3, 2], out var vocabulary);

        Assert.Equal([269, 270, 271], vocabulary.TokensOf(0).ToArray());
        Assert.Equal([272, 266], vocabulary.TokensOf(1).ToArray());
        Assert.Equal(273, tokenizer.VocabularySize);
        var found = tokenizer.FindSemanticIds();
        Assert.NotNull(found);
        Assert.Equal(vocabulary.TokensOf(0).ToArray(), found.TokensOf(0).ToArray());
        Assert.Equal(vocabulary.TokensOf(1).ToArray(), found.TokensOf(1).ToArray());
        Assert.Null(ToyTokenizer.Make().FindSemanticIds());
    }

    [Fact]
    public async Task SaveAsync_ExtendedModelAndTokenizer_OpenAgain()
    {
        using var folder = new TemporaryFolder();
        var tokenizer = ToyTokenizer.Make().WithSemanticIds(LevelSizes, out var vocabulary);
        using var model = VocabularyExtension.Extend(Load("qwen3"), vocabulary, 266, new NormalRows());

        await HuggingFaceFolder.SaveAsync(folder["model"], model,
            new() { Tokenizer = tokenizer, Generation = new() { EosTokenIds = [tokenizer.EndToken] } });

        using var again = await HuggingFaceFolder.LoadDecoderAsync(folder["model"]);
        var read = await TextTokenizer.LoadAsync(folder["model"]);
        using var scope = NewDisposeScope();
        Assert.True((model.EmbeddingWeight == again.EmbeddingWeight).all().item<bool>());
        Assert.Equal(vocabulary.Encode(SemanticId.Parse("<a_7><b_5><c_0>")), read.Encode("<a_7><b_5><c_0>"));
        Assert.Contains("\"attention_dropout\": 0.0", File.ReadAllText(Path.Combine(folder["model"], "config.json")),
            StringComparison.Ordinal);
        Assert.True(read.VocabularySize <= again.Config.VocabularySize);
    }

    private static DecoderModel Load(string folder)
    {
        using var opened = HuggingFaceFolder.Open(TestData.Fixture(folder));
        return opened.LoadDecoder();
    }

    private static TokenRowInitializer Initializer(string kind)
    {
        switch (kind)
        {
            case "normal":
                return new NormalRows();
            case "codebook":
                return new CodebookRows(
                    [.. LevelSizes.Select((size, level) =>
                    randn(size, 5, generator: new Generator((ulong)level + 1)).DetachFromDisposeScope())]);
            default:
                var entries = Enumerable.Range(0, 40).Select(i => KeyValuePair.Create($"i{i}", new SemanticId([i % 8, i % 6, i / 6 % 6])));
                var index = new SemanticIdIndex(entries, LevelSizes);
                return new ItemTextRows(index, index.Items.ToDictionary(item => item, item => $"hello {string.Concat(item.Reverse())}"),
                    ToyTokenizer.Make());
        }
    }

    private static SemanticIdIndex Index() => new(
        [KeyValuePair.Create("a", new SemanticId([0, 0])), KeyValuePair.Create("b", new SemanticId([0, 1])),
        KeyValuePair.Create("c", new SemanticId([1, 2]))], [4, 4]);
}

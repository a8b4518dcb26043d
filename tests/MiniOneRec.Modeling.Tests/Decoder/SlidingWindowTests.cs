using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

/// <summary>The window in every way in which attention is computed; golden values are in the tests of settings.</summary>
public sealed class SlidingWindowTests
{
    private const int Vocabulary = 40;

    public static TheoryData<int, int, ScalarType> Shapes => new()
    {
        { 32, 3, ScalarType.Float32 }, { 8, 3, ScalarType.Float32 }, { 32, 1, ScalarType.Float32 }, { 32, 6, ScalarType.Float32 },
            { 32, 100, ScalarType.Float32 }, { 32, 3, ScalarType.BFloat16 }, { 8, 4, ScalarType.BFloat16 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void EveryPath_SeesTheSameWindow(int headWidth, int window, ScalarType type)
    {
        using var model = Model(headWidth, window, type, [true, false, true]);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        int[] tokens = [5, 9, 2, 31, 7, 7, 12, 30, 4, 18];
        double tolerance = type == ScalarType.Float32 ? 1e-5 : 5e-2;
        var expected = Masked(model, tokens, window);

        foreach (var (way, logits) in Settings.SettingsCases.LastLogits(model, tokens))
        {
            Assert.All(expected.Zip(logits),
                pair => Assert.True(Math.Abs(pair.First - pair.Second) <= tolerance * Math.Max(1, expected.Max(Math.Abs)),
                $"{way}: {pair.Second} for {pair.First}"));
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void TreesAndBeams_EqualTheirCopies(int headWidth, int window, ScalarType type)
    {
        using var model = Model(headWidth, window, type, [true, true, false]);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        int[] prompt = [7, 3, 20, 11, 35];
        int[][] completions = [[5, 6, 7], [5, 6, 8], [9, 6, 7], [5, 6, 7], [11]];
        double tolerance = type == ScalarType.Float32 ? 2e-5 : 1e-1;
        using var tree = TokenBatch.Of([TokenTree.Branches(prompt, completions, out var nodes), TokenTree.Chain([1, 2])]);
        var shared = model.Forward(tree);
        using var start = TokenBatch.Of([prompt, [1]]);
        using var cache = new PromptCache();
        model.Forward(start, cache);
        var beams = cat(
        [
            model.Extend(cache, new DecodingStep { Tokens = [5, 9, 2], Prompts = [0, 0, 1], Ancestors = [[0], [1], [2]] }),
            model.Extend(cache, new DecodingStep { Tokens = [6, 6], Prompts = [0, 0], Ancestors = [[0, 3], [1, 4]] }),
            model.Extend(cache,
            new DecodingStep { Tokens = [7, 8, 7], Prompts = [0, 0, 0], Ancestors = [[0, 3, 5], [0, 3, 6], [1, 4, 7]] }),
        ]);

        for (int g = 0; g < completions.Length; g++)
        {
            using var copy = TokenBatch.Of([(int[])[.. prompt, .. completions[g]]]);
            var alone = model.Forward(copy);
            for (int t = 0; t < completions[g].Length; t++)
            {
                Fixtures.Close(alone[prompt.Length + t], shared[nodes[g][t]], tolerance, $"completion {g} token {t}");
            }

            if (g < 3)
            {
                Fixtures.Close(alone[prompt.Length + 2], beams[5 + g], tolerance, $"beam {g}");
            }
        }
    }

    [Fact]
    public void Training_OnChainsAndTrees_LearnsThroughTheWindowAlone()
    {
        using var model = Model(8, 2, ScalarType.Float32, null);
        float[] Gradient(bool checkpointing)
        {
            using var scope = NewDisposeScope();
            using var batch = TokenBatch.Of([TokenTree.Branches([1, 2, 3, 4], [[5, 6], [7]], out _), TokenTree.Chain([8, 9])]);
            model.train();
            model.GradientCheckpointing = checkpointing;
            model.zero_grad();

            // Three windowed layers of two positions: the last token's state depends on the three tokens before it.
            autograd.backward([model.Forward(batch)[5].sum()]);
            return [.. model.EmbeddingWeight.grad!.pow(2).sum(1).data<float>()];
        }

        float[] plain = Gradient(false);

        Assert.Equal([3, 4, 5, 6], plain.Index().Where(row => row.Item > 0).Select(row => row.Index));
        Assert.All(plain.Zip(Gradient(true)), pair => Assert.Equal(pair.First, pair.Second, 1e-4 * (1 + pair.First)));
    }

    [Fact]
    public void Config_MixedLayers_AreReadAndWritten()
    {
        const string Json = """
            {"model_type":"qwen3","vocab_size":40,"hidden_size":16,"intermediate_size":16,"num_hidden_layers":3,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":8,
             "use_sliding_window":true,"sliding_window":4,"max_window_layers":1}
            """;

        var config = DecoderConfig.FromJson(Json);
        var again = DecoderConfig.FromJson(config.ToJson().ToJsonString());
        var named =
            DecoderConfig.FromJson(
            Json.Replace("\"max_window_layers\":1",
            "\"max_window_layers\":1,\"layer_types\":[\"sliding_attention\",\"full_attention\",\"full_attention\"]",
            StringComparison.Ordinal));

        Assert.Equal([0, 4, 4], Enumerable.Range(0, 3).Select(config.WindowOf));
        Assert.Equal([0, 4, 4], Enumerable.Range(0, 3).Select(again.WindowOf));
        Assert.Equal([4, 0, 0], Enumerable.Range(0, 3).Select(named.WindowOf));
        Assert.Equal(0,
            DecoderConfig.FromJson(Json.Replace("\"use_sliding_window\":true", "\"use_sliding_window\":false", StringComparison.Ordinal))
            .SlidingWindow);
        Assert.Equal(0, DecoderConfig.FromJson(Json.Replace("\"sliding_window\":4", "\"sliding_window\":null", StringComparison.Ordinal))
            .SlidingWindow);
    }

    private static DecoderModel Model(int headWidth, int window, ScalarType type, bool[]? layers)
    {
        random.manual_seed(4);
        var model = new DecoderModel(new DecoderConfig
        {
            VocabularySize = Vocabulary, HiddenSize = 64, IntermediateSize = 64, LayerCount = 3, HeadCount = 4, KeyValueHeadCount = 2,
                HeadWidth = headWidth,
            SlidingWindow = window, WindowedLayers = layers, InitializerRange = 0.3,
        });
        model.to(type);
        model.eval();
        return model;
    }

    // A layer's window as a mask over one sequence, through the same weights: what the other paths are compared with.
    private static float[] Masked(DecoderModel model, int[] tokens, int window)
    {
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([tokens]);
        using var mask = batch.MaskFor(window)?.alias();
        for (int i = 0; mask is not null && i < tokens.Length; i++)
        {
            bool[] row = [.. mask[0][0][i].data<bool>()];
            Assert.Equal(Enumerable.Range(0, tokens.Length).Select(j => j <= i && j > i - window), row);
        }

        return [.. model.Logits(model.Forward(batch).narrow(0, tokens.Length - 1, 1)).to_type(ScalarType.Float32).data<float>()];
    }
}

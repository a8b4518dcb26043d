using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

/// <summary>All ways to attend give the same, and the reference is the formula.</summary>
public sealed class AttentionBackendTests
{
    public static TheoryData<int, int, int, int> Shapes => new()
    {
        { 4, 4, 16, 0 }, { 4, 2, 16, 0 }, { 6, 1, 32, 0 }, { 4, 2, 16, 3 }, { 2, 2, 8, 5 }, { 6, 3, 48, 1 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void WithinTrees_AllBackends_EqualTheFormula(int heads, int kvHeads, int width, int window)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        random.manual_seed(heads + width);
        var shape = new AttentionShape(heads, kvHeads, width, window);
        TokenTree branched = TokenTree.Branches([1, 2, 3, 4], [[5, 6], [5, 7, 8], [9]], out _);
        TokenTree[] chains = [TokenTree.Chain([1, 2, 3, 4, 5, 6, 7]), TokenTree.Chain([1]), TokenTree.Chain([1, 2, 3, 4])];
        foreach (var trees in new[] { chains, [branched, TokenTree.Chain([1, 2])] })
        {
            using var batch = TokenBatch.Of(trees);
            int tokens = batch.TotalTokens;
            Tensor q = randn(tokens, heads, width), k = randn(tokens, kvHeads, width), v = randn(tokens, kvHeads, width);
            Tensor keys = batch.ToPadded(k).transpose(1, 2), values = batch.ToPadded(v).transpose(1, 2);
            var rows = trees.SelectMany((tree, b) => Enumerable.Range(0, tree.Tokens.Count)
                .Select(i => Seen(tree, i, window).Select(j => batch.Offsets[b] + j).ToArray()));

            var expected = Formula(q, k, v, [.. rows], shape);

            CloseAll(expected, backend => backend.WithinTrees(q, keys, values, batch, null, shape));
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void FromLastAndOnPrompts_AllBackends_EqualTheFormula(int heads, int kvHeads, int width, int window)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        random.manual_seed(heads + width);
        var shape = new AttentionShape(heads, kvHeads, width, window);
        int[] lengths = [6, 2, 4];
        using var batch = TokenBatch.Of([.. lengths.Select(length => new int[length])]);
        using var cache = new PromptCache();
        cache.Begin(batch);
        int prompts = batch.TotalTokens;
        Tensor k = randn(prompts, kvHeads, width), v = randn(prompts, kvHeads, width);
        var layer = cache.AddPrompt(batch.ToPadded(k).transpose(1, 2), batch.ToPadded(v).transpose(1, 2));
        int[] Windowed(int[] seen) => window == 0 ? seen : seen[Math.Max(0, seen.Length - window)..];
        int[] Prompt(int b) => [.. Enumerable.Range(batch.Offsets[b], lengths[b])];

        var last = randn(3, heads, width);
        CloseAll(
            Formula(last, k, v, [.. Enumerable.Range(0, 3).Select(b => Windowed(Prompt(b)))], shape),
            backend => backend.FromLast(last, layer, cache, shape));

        // Prompt 1 has no rows, prompt 0 more than prompt 2, and the chains are of different length.
        var step = new DecodingStep { Tokens = new int[5], Prompts = [0, 0, 0, 0, 2], Ancestors = [[0], [0, 1], [0, 1, 2], [3], [4]] };
        var config = new DecoderConfig
        {
            VocabularySize = 8, HiddenSize = heads * width, IntermediateSize = 8, LayerCount = 1, HeadCount = heads,
                KeyValueHeadCount = kvHeads,
        };
        using var plan = new ExtensionPlan(cache, step, new RotaryEmbedding(config), ScalarType.Float32, CPU);
        Tensor q = randn(5, heads, width), own = randn(5, kvHeads, width), ownValues = randn(5, kvHeads, width);
        layer.Append(own, ownValues);
        int[][] rows = [.. step.Prompts.Select((b, r) => Windowed([.. Prompt(b), .. step.Ancestors[r].Select(row => prompts + row)]))];
        CloseAll(Formula(q, cat([k, own]), cat([v, ownValues]), rows, shape), backend => backend.OnPrompts(q, layer, plan, shape));
    }

    [Fact]
    public void Decoder_EveryBackend_GivesTheSameBeamsAndGradients()
    {
        var index = BeamLawTests.RandomIndex(new Random(2), [4, 5, 6], 40);
        var template = CompactTemplate.For(index);
        using var trie = new SemanticIdTrie(index);
        random.manual_seed(8);
        using var model = new DecoderModel(new DecoderConfig
        {
            VocabularySize = template.VocabularySize, HiddenSize = 64, IntermediateSize = 48, LayerCount = 2, HeadCount = 4,
            KeyValueHeadCount = 2, SlidingWindow = 5, InitializerRange = 0.3,
        });
        model.eval();
        Assert.Same(AttentionBackend.Cpu, AttentionBackend.For(model.Device.type));
        int[] prompt = template.EncodePrompt(template.NextItem([.. index.SemanticIds.Take(4)])), other = prompt[1..];
        var found = new List<(int[] Nodes, double[] Scores, double Gradient)>();
        foreach (var backend in new[] { null, AttentionBackend.Cpu, AttentionBackend.Sdpa, AttentionBackend.Reference })
        {
            model.Attention.Fixed = backend;
            var beams = new ConstrainedBeamSearch(new BeamSearchOptions { Width = 10 })
                .Search(model, [new(prompt), new(other)], trie, template);
            using var scope = NewDisposeScope();
            using var batch = TokenBatch.Of([prompt, other]);
            model.zero_grad();
            model.Forward(batch).pow(2).sum().backward();
            double gradient = model.named_parameters().Sum(pair => pair.parameter.grad is { } grad ? grad.abs().sum().item<float>() : 0.0);
            var all = beams.SelectMany(list => list).ToArray();
            found.Add(([.. all.Select(beam => beam.Node)], [.. all.Select(beam => beam.Score)], gradient));
        }

        Assert.All(found.Skip(1), one =>
        {
            Assert.Equal(found[0].Nodes, one.Nodes);
            Assert.All(found[0].Scores.Zip(one.Scores), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
            Assert.Equal(1, one.Gradient / found[0].Gradient, 1e-4);
        });
        Assert.Equal(found[0].Scores, found[1].Scores);         // what is chosen on the CPU
    }

    [Theory]
    [InlineData("qwen2", true, false)]
    [InlineData("qwen2", false, false)]
    [InlineData("llama", true, true)]
    [InlineData("llama", false, false)]
    [InlineData("qwen3", true, true)]
    public void OutputBias_ByFamily_IsWhatTheModelHas(string family, bool bias, bool expected)
    {
        var config = DecoderConfig.Small(16, 16, 1, 2) with { ModelType = family, AttentionBias = bias };
        using var model = new DecoderModel(config);

        Assert.Equal(expected, config.OutputBias);
        var names = model.named_parameters().Select(pair => pair.name).ToArray();
        Assert.Equal(expected, names.Contains(DecoderTensorNames.Layers + "0.self_attn.o_proj.bias"));
        Assert.Equal(bias, names.Contains(DecoderTensorNames.Layers + "0.self_attn.q_proj.bias"));
    }

    [Fact]
    public void DecoderTensorNames_AreTheModelsOwn()
    {
        using var model = new DecoderModel(DecoderConfig.Small(16, 16, 1, 2) with { TieWordEmbeddings = false });
        var names = model.named_parameters().Select(pair => pair.name).ToArray();

        Assert.Contains(DecoderTensorNames.Embedding, names);
        Assert.Contains(DecoderTensorNames.Head, names);
        Assert.Contains(DecoderTensorNames.FinalNorm, names);
        Assert.Equal(2, names.Count(DecoderTensorNames.HasTokenRows));
    }

    // A token, its ancestors, no more than the window.
    private static List<int> Seen(TokenTree tree, int token, int window)
    {
        var seen = new List<int>();
        for (int at = token; at >= 0 && (window == 0 || seen.Count < window); at = tree.Parents?[at] ?? at - 1)
        {
            seen.Add(at);
        }

        return seen;
    }

    // One row and one head at a time, in float64.
    private static Tensor Formula(Tensor q, Tensor k, Tensor v, int[][] seen, AttentionShape shape)
    {
        var results = new List<Tensor>();
        for (int r = 0; r < seen.Length; r++)
        {
            var rows = tensor([.. seen[r].Select(row => (long)row)]);
            for (long head = 0; head < shape.Heads; head++)
            {
                Tensor Of(Tensor all) => all.index_select(0, rows).select(1, head / shape.Group).to_type(ScalarType.Float64);
                var scores = mv(Of(k), q[r, head].to_type(ScalarType.Float64)) / Scalars.Of(Math.Sqrt(shape.Width));
                results.Add(mv(Of(v).t(), scores.softmax(0)));
            }
        }

        return stack(results).view(seen.Length, -1);
    }

    private static void CloseAll(Tensor expected, Func<AttentionBackend, Tensor> attend)
    {
        Fixtures.Close(expected, attend(AttentionBackend.Reference), 1e-6, "reference");
        Fixtures.Close(expected, attend(AttentionBackend.Sdpa), 2e-6, "sdpa");
        Fixtures.Close(expected, attend(AttentionBackend.Cpu), 4e-6, "cpu");
    }
}

using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

public sealed class CpuKernelTests
{
    public static TheoryData<ScalarType, double> Types => new() { { ScalarType.Float32, 2e-6 }, { ScalarType.BFloat16, 8e-3 } };

    [Theory]
    [MemberData(nameof(Types))]
    public void RmsNorm_EqualsTheFormula(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor x = (randn(5, 3, 48) * Scalars.Of(3)).to_type(type), weight = rand(48).to_type(type);

        var actual = CpuRows.RmsNorm(x, weight, 1e-6);

        var wide = x.to_type(ScalarType.Float64);
        var expected = wide / (wide.pow(Scalars.Of(2)).mean([-1], keepdim: true) + Scalars.Of(1e-6))
            .sqrt() * weight.to_type(ScalarType.Float64);
        Assert.NotNull(actual);
        Close(expected, actual, tolerance);
    }

    [Fact]
    public void RmsNorm_BFloat16_RoundsAsLibtorchDoes()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor x = (randn(64, 64) * Scalars.Of(3)).to_type(ScalarType.BFloat16), weight = rand(64).to_type(ScalarType.BFloat16);

        var actual = CpuRows.RmsNorm(x, weight, 1e-6);

        var wide = x.to_type(ScalarType.Float32);
        var inverse = (wide.pow(Scalars.Of(2)).mean([-1], keepdim: true) + Scalars.Of(1e-6)).rsqrt();
        var expected = (wide * inverse).to_type(ScalarType.BFloat16) * weight;
        Assert.NotNull(actual);
        Assert.InRange((expected != actual).sum().item<long>(), 0, 4);          // where the two sums differ in their last bit
    }

    [Fact]
    public void RmsNorm_NotANumber_StaysOne()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var x = ones(2, 32, dtype: ScalarType.BFloat16);
        x[0, 3] = tensor(float.NaN);

        var y = CpuRows.RmsNorm(x, ones(32, dtype: ScalarType.BFloat16), 1e-6)!.to_type(ScalarType.Float32);

        Assert.True(y[0].isnan().all().item<bool>());
        Assert.True(y[1].isfinite().all().item<bool>());
    }

    [Fact]
    public void Kernels_WhatTheyDoNotServe_IsDeclined()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(4, 32), odd = randn(4, 20);
        Assert.Null(CpuRows.RmsNorm(x, ones(32), 1e-6));                        // a gradient may be wanted
        using var noGrad = no_grad();

        Assert.NotNull(CpuRows.RmsNorm(x, ones(32), 1e-6));
        Assert.Null(CpuRows.RmsNorm(odd, ones(20), 1e-6));
        Assert.Null(CpuRows.RmsNorm(x.t(), ones(4), 1e-6));
        Assert.Null(CpuRows.RmsNorm(x, ones(32, dtype: ScalarType.BFloat16), 1e-6));
        Assert.Null(CpuRows.RmsNorm(x.to_type(ScalarType.Float64), ones(32, dtype: ScalarType.Float64), 1e-6));
        Assert.Null(CpuRows.RmsNorm(zeros(1 << 15, 32), ones(32), 1e-6));
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Rotate_TakesApartAndTurns(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        const int Rows = 7, Heads = 3, KvHeads = 2, Width = 64;
        var rotary = new RotaryEmbedding(Config(Heads, Width));
        var (cos, sin) = rotary.Angles(tensor(new long[] { 0, 1, 2, 3, 50, 51, 9 }), type);
        var all = randn(Rows, Heads + 2 * KvHeads, Width).to_type(type);

        var apart = CpuRows.Rotate(all, cos, sin, Heads, KvHeads);

        Assert.NotNull(apart);
        var (q, k, v) = apart.Value;
        var turned =
            RotaryEmbedding.Apply(all.to_type(ScalarType.Float32), cos.to_type(ScalarType.Float32), sin.to_type(ScalarType.Float32));
        Close(turned.narrow(1, 0, Heads), q, tolerance);
        Close(turned.narrow(1, Heads, KvHeads), k, tolerance);
        Assert.True((v == all.narrow(1, Heads + KvHeads, KvHeads)).all().item<bool>());
    }

    [Theory]
    [InlineData(ScalarType.Float32, 4, 2, 16, 4e-6)]
    [InlineData(ScalarType.Float32, 7, 1, 64, 4e-6)]
    [InlineData(ScalarType.Float32, 2, 2, 32, 4e-6)]
    [InlineData(ScalarType.BFloat16, 6, 2, 48, 8e-3)]
    public void Attention_PromptsOfOtherLengthsAndUnevenChains_EqualsTheFormula(ScalarType type, int heads, int kvHeads, int width,
        double tolerance)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        int[] lengths = [37, 1, 16];
        int[] prompts = [.. Enumerable.Repeat(0, 70), 2, 2, 2];             // more than a tile; prompt 1 has no rows
        int rows = prompts.Length, past = lengths.Max();
        var chance = new Random(3);
        int[] chainLengths = [.. prompts.Select(_ => 1 + chance.Next(3))];
        int[] chain = [.. Enumerable.Range(0, rows * 3).Select(_ => chance.Next(rows))];
        var attended = new AttentionRows(prompts, [.. prompts.Select(prompt => lengths[prompt])], chain, chainLengths);
        random.manual_seed(4);
        Tensor Random(params long[] shape) => randn(shape).to_type(type);
        Tensor q = Random(rows, heads, width), promptKeys = Random(3, kvHeads, past, width), promptValues = Random(3, kvHeads, past, width);
        Tensor keys = Random(rows, kvHeads, width), values = Random(rows, kvHeads, width);

        var actual = CpuAttention.Run(q, promptKeys, promptValues, keys, values, attended, 0.3);

        Assert.NotNull(actual);
        Close(Formula(q, promptKeys, promptValues, keys, values, attended, 0.3), actual, tolerance);
    }

    [Fact]
    public void Attention_Causal_EqualsTheFormula()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        int[] lengths = [33, 5];
        var attended = AttentionRows.Causal(lengths);
        Tensor q = randn(38, 6, 32), keys = randn(2, 3, 33, 32), values = randn(2, 3, 33, 32);

        var actual = CpuAttention.Run(q, keys, values, null, null, attended, 0.2);

        Assert.NotNull(actual);
        Close(Formula(q, keys, values, null, null, attended, 0.2), actual, 2e-6);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void LogSumExp_BlocksOfAnyWidth_EqualsTheWhole(ScalarType type)
    {
        using var scope = NewDisposeScope();
        var logits = (randn(9, 700) * Scalars.Of(40)).to_type(type);
        logits.narrow(1, 0, 20).fill_(Scalars.Of(-3e38));                   // underflows wherever the largest is
        logits[2, 640] = tensor(2e4f);
        var folded = new LogSumExp(9);

        foreach (var (start, width) in new[] { (0, 20), (20, 300), (320, 379), (699, 1) })
        {
            folded.Add(logits.narrow(1, start, width));
        }

        Close(logits.to_type(ScalarType.Float64).logsumexp(1), tensor(folded.Values()), 1e-6);
    }

    [Theory]
    [InlineData(ScalarType.Float32, 1e-5)]
    [InlineData(ScalarType.BFloat16, 3e-2)]
    public void Decoder_ServedShape_EqualsForwardWithGradient(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(5);
        using var model = new DecoderModel(Config(4, 32) with { LayerCount = 3, KeyValueHeadCount = 2 });
        model.to(type);
        model.eval();
        int[][] whole = [[5, 9, 11, 30, 31], [7, 8, 40, 41, 42, 43]];
        using var batch = TokenBatch.Of(whole);
        var expected = model.Forward(batch).detach();                       // takes libtorch's operations

        using var noGrad = no_grad();
        model.PackWeights = true;
        using var prompts = TokenBatch.Of([whole[0][..3], whole[1][..3]]);
        using var cache = new PromptCache();
        model.Forward(prompts, cache);
        model.Extend(cache, new DecodingStep { Tokens = [30, 41], Prompts = [0, 1], Ancestors = [[0], [1]] });
        var last =
            model.Extend(cache, new DecodingStep { Tokens = [31, 42, 43], Prompts = [0, 1, 1], Ancestors = [[0, 2], [1, 3], [1, 3, 4]] });

        Close(expected.index_select(0, tensor(new long[] { 4, 9, 10 })), last, tolerance);
    }

    private static DecoderConfig Config(int heads, int width) => new()
    {
        VocabularySize = 64, HiddenSize = heads * width, IntermediateSize = 64, LayerCount = 1, HeadCount = heads,
            KeyValueHeadCount = heads, AttentionBias = true, ModelType = "qwen2",
    };

    // One row and one head at a time, in float64.
    private static Tensor Formula(Tensor q, Tensor promptKeys, Tensor promptValues, Tensor? keys, Tensor? values, AttentionRows rows,
        double scale)
    {
        long heads = q.size(1), group = heads / promptKeys.size(1);
        var results = new List<Tensor>();
        for (int r = 0; r < rows.Prompts.Length; r++)
        {
            for (long head = 0; head < heads; head++)
            {
                Tensor Seen(Tensor prompt, Tensor? own)
                {
                    var part = prompt[rows.Prompts[r], head / group].narrow(0, 0, rows.Visible[r]).to_type(ScalarType.Float64);
                    if (own is null)
                    {
                        return part;
                    }

                    long[] chain = [.. rows.Chain.Skip(r * rows.ChainWidth).Take(rows.ChainLengths[r]).Select(row => (long)row)];
                    return cat([part, own.index_select(0, tensor(chain)).select(1, head / group).to_type(ScalarType.Float64)]);
                }

                var scores = mv(Seen(promptKeys, keys), q[r, head].to_type(ScalarType.Float64)) * Scalars.Of(scale);
                results.Add(mv(Seen(promptValues, values).t(), scores.softmax(0)));
            }
        }

        return stack(results).view(q.size(0), -1);
    }

    private static void Close(Tensor expected, Tensor actual, double tolerance)
    {
        Tensor wide = expected.to_type(ScalarType.Float64), difference = (wide - actual.to_type(ScalarType.Float64)).abs();
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((difference / (Scalars.Of(1) + wide.abs())).max().item<double>(), 0, tolerance);
    }
}

using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

public sealed class PackedWeightTests
{
    private static readonly int[][] Prompts = [[3, 14, 15, 92, 65], [35, 89], [7, 7, 7, 1]];

    [Theory]
    [MemberData(nameof(DecoderParityTests.Folders), MemberType = typeof(DecoderParityTests))]
    public void Forward_Packed_EqualsPlain(string folder)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Fixtures.Decoder(folder);
        var plain = Run(model);

        model.PackWeights = true;
        var packed = Run(model);

        foreach (var (expected, actual) in plain.Zip(packed))
        {
            Fixtures.Close(expected, actual, 1e-5, folder);
        }
    }

    [Fact]
    public void Forward_PackedBFloat16_IsAsCloseAsPlainBFloat16()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Toy();
        var exact = Run(model);
        model.to(ScalarType.BFloat16);
        var plain = Run(model);

        model.PackWeights = true;
        var packed = Run(model);

        for (int i = 0; i < exact.Length; i++)
        {
            float plainError = Distance(exact[i], plain[i]), packedError = Distance(exact[i], packed[i]);
            Assert.InRange(packedError, 0, 2 * plainError + 1e-3f);
        }
    }

    [Fact]
    public void Forward_WeightsTrainedOrReplaced_AreSeen()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Toy();
        model.PackWeights = true;
        var before = Run(model);

        foreach (var parameter in model.parameters())
        {
            parameter.mul_(Scalars.Of(1.5));
        }

        var after = Run(model);
        model.PackWeights = false;
        var plain = Run(model);

        Fixtures.Close(plain[0], after[0], 1e-5, "after training");
        Assert.True(Distance(before[0], after[0]) > 1e-2f);
    }

    [Fact]
    public void Forward_WeightsWrittenByTheFusedOptimizer_AreSeen()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Toy();
        model.PackWeights = true;
        Run(model);

        Tensor[] parameters = [.. model.parameters()], gradients = [.. parameters.Select(parameter => ones_like(parameter))], first =
            [.. parameters.Select(parameter => zeros_like(parameter))], second = [.. parameters.Select(parameter => zeros_like(parameter))];
        Aten.FusedAdamW(parameters, gradients, first, second, ones([]), 0.1, 0.9, 0.999, 0, 1e-8);
        var after = Run(model);
        model.PackWeights = false;

        Fixtures.Close(Run(model)[0], after[0], 1e-5, "after a step");
    }

    [Fact]
    public void Forward_Packed_GivesTheSameBitsEachTime()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Toy();
        model.PackWeights = true;

        var (first, again) = (Run(model), Run(model));

        Assert.All(first.Zip(again), pair => Assert.True(pair.First.eq(pair.Second).all().item<bool>()));
    }

    [Fact]
    public void Forward_TypeChangedWhilePacked_IsServed()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Toy();
        model.PackWeights = true;
        var single = Run(model);

        model.to(ScalarType.BFloat16);
        Run(model);
        model.to(ScalarType.Float32);
        var again = Run(model);

        Assert.InRange(Distance(single[0], again[0]), 0, 0.2f);
        Assert.Equal(ScalarType.Float32, again[0].dtype);
    }

    [Fact]
    public void Forward_AdapterAttached_IsApplied()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Toy();
        foreach (var projection in model.modules().OfType<Projection>())
        {
            projection.Adapter = new ProjectionAdapter(x => x.mm(projection.Weight.t()).div_(Scalars.Of(4.0)), []);
        }

        var plain = Run(model);
        model.PackWeights = true;
        var packed = Run(model);

        Fixtures.Close(plain[0], packed[0], 1e-5, "adapted");
    }

    [Fact]
    public void TrainingMode_DropsTheCopiesAndGradientsFlow()
    {
        using var model = Toy();
        model.PackWeights = true;
        using (no_grad())
        {
            using var scope = NewDisposeScope();
            Run(model);
            Run(model);
        }

        long packed = Tensor.TotalCount;
        model.train();
        Assert.True(Tensor.TotalCount < packed);

        using var outer = NewDisposeScope();
        using var batch = TokenBatch.Of(Prompts);
        model.Forward(batch).sum().backward();
        Assert.All(model.parameters(), parameter => Assert.NotNull(parameter.grad));
    }

    [Fact]
    public void Prefill_EqualsTheLastRowsOfForward()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Toy();
        using var batch = TokenBatch.Of(Prompts);
        using PromptCache whole = new(), last = new();
        long[] rows = [.. batch.Offsets.Zip(batch.Lengths, (offset, length) => (long)offset + length - 1)];

        var expected = model.Forward(batch, whole).index_select(0, tensor(rows));
        var actual = model.Prefill(batch, last);

        Fixtures.Close(expected, actual, 1e-5, "last rows");
        Fixtures.Close(whole[^1].PromptKeys, last[^1].PromptKeys, 1e-6, "keys");
        Fixtures.Close(whole[^1].PromptValues, last[^1].PromptValues, 1e-6, "values");
    }

    [Theory]
    [InlineData(1, 5, 3)]
    [InlineData(17, 70, 128)]
    public void AtenPackedLinear_EqualsTheFormula(int rows, int input, int output)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        torch.random.manual_seed(3);
        Tensor x = randn(rows, input), w = randn(output, input), b = randn(output), other = randn(rows, output);
        var y = x.mm(w.t()) + b;

        foreach (var weight in new[] { w, Aten.PackLinear(w) })
        {
            Fixtures.Close(y, Aten.PackedLinear(x, weight, b), 1e-4, "linear");
            Fixtures.Close(y - b, Aten.PackedLinear(x, weight, null), 1e-4, "without bias");
            Fixtures.Close(y * y.sigmoid(), Aten.PackedLinear(x, weight, b, LinearFunction.Silu), 1e-4, "swish");
            Fixtures.Close(y + other, Aten.PackedLinear(x, other, weight, b, LinearOperation.Add), 1e-4, "add");
            Fixtures.Close(y * other, Aten.PackedLinear(x, other, weight, b, LinearOperation.Multiply), 1e-3, "mul");
        }
    }

    [Fact]
    public void AtenVersionOf_CountsWritesInPlace()
    {
        using var x = zeros(2);
        long version = Aten.VersionOf(x);

        x.add_(1);

        Assert.True(Aten.VersionOf(x) > version);
    }

    private static DecoderModel Toy()
    {
        torch.random.manual_seed(11);
        var model = new DecoderModel(DecoderConfig.Small(120, 32, 3, 4) with { KeyValueHeadCount = 2, InitializerRange = 0.2 });
        model.eval();
        return model;
    }

    // Hidden states of prompts and of rows on top of them, and log-normalisers.
    private static Tensor[] Run(DecoderModel model)
    {
        using var batch = TokenBatch.Of(Prompts);
        using var cache = new PromptCache();
        var hidden = model.Forward(batch, cache);
        var rows = model.Extend(cache, new DecodingStep { Tokens = [7, 8, 9], Prompts = [0, 0, 2], Ancestors = [[0], [1], [2]] });
        return [hidden, rows, model.LogNormalizers(rows)];
    }

    private static float Distance(Tensor a, Tensor b) =>
        (a.to_type(ScalarType.Float32) - b.to_type(ScalarType.Float32)).abs().max().item<float>();
}

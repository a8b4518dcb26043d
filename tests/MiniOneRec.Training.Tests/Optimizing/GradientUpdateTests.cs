using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Tests;

public sealed class GradientUpdateTests
{
    [Theory]
    [InlineData(false, 0.5)]
    [InlineData(true, 0.5)]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    public void Apply_Clipping_EqualsTheLongHand(bool inPlace, double clipNorm)
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters();
        var expected = Parameters();
        using var update = new GradientUpdate(
            parameters, new UpdateOptions { WeightDecay = 0.1, Beta2 = 0.98, ClipNorm = clipNorm, ClipsInPlace = inPlace });
        using var optimizer = new FusedAdamW([([expected[0]], 0.1), ([expected[1]], 0)], beta2: 0.98);
        for (int step = 0; step < 3; step++)
        {
            Backward(parameters);
            Backward(expected);
            double norm = stack([expected[0].grad!.norm(), expected[1].grad!.norm()]).norm().item<float>(), divisor = 1;
            if (inPlace && clipNorm > 0)
            {
                nn.utils.clip_grad_norm_(expected, clipNorm);
            }
            else if (clipNorm > 0)
            {
                divisor = Math.Max(1, norm / clipNorm);
            }

            optimizer.Step(0.01, divisor);
            var outcome = update.Apply(0.01);
            Assert.True(outcome.Moved);
            Assert.Equal(inPlace && clipNorm == 0 ? double.NaN : norm, outcome.Norm, 1e-6);
            optimizer.ForgetGradients();
            update.Optimizer.ForgetGradients();
        }

        foreach (var (a, b) in parameters.Zip(expected))
        {
            Assert.Equal(b.data<float>().ToArray(), a.data<float>().ToArray());
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Apply_AnExchange_IsCalledOnceAfterBackwardAndBeforeTheNorm(bool inPlace)
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters();
        var exchange = new Halving();
        using var update = new GradientUpdate(parameters, new UpdateOptions { ClipNorm = 1e9, ClipsInPlace = inPlace }, exchange);
        Backward(parameters);
        double before = Math.Sqrt(parameters.Sum(parameter => Math.Pow(parameter.grad!.norm().item<float>(), 2)));
        Assert.Equal(before / 2, update.Apply(0.01).Norm, 1e-4);
        Assert.Equal([2], exchange.Calls);
        update.Apply(0.01);
        Assert.Equal([2, 2], exchange.Calls);
    }

    [Theory]
    [InlineData(float.NaN, 0)]
    [InlineData(float.PositiveInfinity, 0)]
    [InlineData(1, double.NaN)]
    [InlineData(1, double.NegativeInfinity)]
    public void Apply_NumbersThatAreNotFinite_MoveNothing(float gradient, double loss)
    {
        using var scope = NewDisposeScope();
        foreach (bool inPlace in (bool[])[false, true])
        {
            var parameters = Parameters();
            float[] before = parameters[0].data<float>().ToArray();
            using var update = new GradientUpdate(parameters, new UpdateOptions { ClipNorm = 1, ClipsInPlace = inPlace });
            parameters[0].grad = full_like(parameters[0], gradient);
            Assert.False(update.Apply(0.01, loss).Moved);
            Assert.Equal(before, parameters[0].data<float>().ToArray());
            Assert.Equal(0, update.Optimizer.Steps);
        }
    }

    private static Parameter[] Parameters() =>
        [new Parameter(arange(6, dtype: ScalarType.Float32).view(2, 3)), new Parameter(ones(3))];

    private static void Backward(Parameter[] parameters)
    {
        using var loss = (parameters[0] * parameters[1]).pow(2).sum();
        loss.backward();
    }

    private sealed class Halving : IGradientExchange
    {
        public List<int> Calls { get; } = [];

        public void Exchange(IReadOnlyList<Parameter> parameters)
        {
            using var _ = no_grad();
            Calls.Add(parameters.Count);
            foreach (var parameter in parameters)
            {
                parameter.grad!.div_(2);
            }
        }
    }
}

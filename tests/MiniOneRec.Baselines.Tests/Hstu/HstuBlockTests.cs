using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Tests;

/// <summary>A block of HSTU in float64, held to loops over the paper's formulas.</summary>
public sealed class HstuBlockTests
{
    private const int Time = 3;
    private const int Width = 4;
    private const int Heads = 2;
    private const int MaxLength = 5;
    private static readonly long[] Times = [1_000, 1_050, 90_000];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Forward_Float64_EqualsThePlainFormulaAndItsSlope(bool timed)
    {
        using var scope = NewDisposeScope();
        using var block = Block();
        double[] at = [.. Enumerable.Range(0, Time * Width).Select(i => Math.Sin(i * 1.7) + 0.1 * i)];
        double[] weights = [.. Enumerable.Range(0, Time * Width).Select(i => Math.Cos(i * 0.9))];
        var x = tensor(at, [1, Time, Width], requires_grad: true);
        var buckets = timed ? HstuBlock.Buckets(tensor(Times, [1, Time])) : null;
        var values = block.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.data<double>().ToArray());

        var y = block.Forward(x, buckets);
        (y * tensor(weights, [1, Time, Width])).sum().backward();

        Assert.Equal(Plain(at, values, timed), y.data<double>().ToArray(), Near(1e-9));
        double Weighted(double[] input, Dictionary<string, double[]> parameters) =>
            Plain(input, parameters, timed).Zip(weights).Sum(pair => pair.First * pair.Second);
        Assert.Equal(Slope(input => Weighted(input, values), at), x.grad!.data<double>().ToArray(), Near(1e-6));
        foreach (var (name, parameter) in block.named_parameters())
        {
            double[] slope = Slope(value => Weighted(at, new(values) { [name] = value }), values[name]);
            double[] found = parameter.grad is { } gradient ? gradient.contiguous().data<double>().ToArray() : new double[slope.Length];
            Assert.True(slope.Zip(found).All(pair => Math.Abs(pair.First - pair.Second) < 1e-6), name);
        }
    }

    [Fact]
    public void Buckets_SecondsToYears_AreLogarithmic()
    {
        using var scope = NewDisposeScope();

        var buckets = HstuBlock.Buckets(tensor(new long[] { 0, 0, 1, 2, 3_600, 31_536_000, long.MaxValue / 4 }, [1, 7]))[0][0];

        Assert.Equal([0, 0, 0, 2, 27, 57, 128], buckets.data<long>().ToArray());
    }

    private static HstuBlock Block()
    {
        TorchSeed.Apply(3);
        var block = new HstuBlock(
            new HstuOptions { HiddenSize = Width, Heads = Heads, MaxLength = MaxLength, Dropout = 0, TimeBias = true });
        block.to(ScalarType.Float64);
        using var noGrad = no_grad();
        foreach (var parameter in block.parameters())
        {
            parameter.copy_(randn(parameter.shape, ScalarType.Float64) * 0.6);
        }

        return block;
    }

    private static Func<double, double, bool> Near(double tolerance) => (left, right) => Math.Abs(left - right) < tolerance;

    private static double[] Slope(Func<double[], double> f, double[] at) => [.. at.Select((_, i) =>
    {
        const double Step = 1e-6;
        double[] up = [.. at], down = [.. at];
        (up[i], down[i]) = (up[i] + Step, down[i] - Step);
        return (f(up) - f(down)) / (2 * Step);
    })];

    private static double Silu(double x) => x / (1 + Math.Exp(-x));

    private static double[] Norm(double[] x)
    {
        double mean = x.Average(), variance = x.Average(value => (value - mean) * (value - mean));
        return [.. x.Select(value => (value - mean) / Math.Sqrt(variance + 1e-6))];
    }

    private static double[] Plain(double[] x, Dictionary<string, double[]> weights, bool timed)
    {
        const int Head = Width / Heads;
        double[][] rows = [.. x.Chunk(Width)];
        double[][] parts = [.. rows.Select(row =>
        {
            double[] normed = Norm(row);
            double Part(int o) => Enumerable.Range(0, Width).Sum(i => weights["uvqk.weight"][o * Width + i] * normed[i]);
            return Enumerable.Range(0, 4 * Width).Select(o => Silu(Part(o))).ToArray();
        })];
        var result = new List<double>();
        for (int i = 0; i < Time; i++)
        {
            double[] gathered = new double[Width];
            for (int h = 0; h < Heads; h++)
            {
                for (int j = 0; j <= i; j++)
                {
                    double score = Enumerable.Range(h * Head, Head).Sum(c => parts[i][2 * Width + c] * parts[j][3 * Width + c]);
                    score += weights["position_bias"][MaxLength - 1 + j - i];
                    if (timed)
                    {
                        double bucket = Math.Floor(Math.Log(Math.Max(1, Math.Abs(Times[i] - Times[j]))) / 0.301);
                        score += weights["time_bias"][(int)Math.Min(128, bucket)];
                    }

                    for (int c = h * Head; c < (h + 1) * Head; c++)
                    {
                        gathered[c] += Silu(score) / MaxLength * parts[j][Width + c];
                    }
                }
            }

            double[] gated = [.. Norm(gathered).Select((value, c) => value * parts[i][c])];
            double Out(int o) => Enumerable.Range(0, Width).Sum(c => weights["out.weight"][o * Width + c] * gated[c]);
            result.AddRange(Enumerable.Range(0, Width).Select(o => rows[i][o] + weights["out.bias"][o] + Out(o)));
        }

        return [.. result];
    }
}

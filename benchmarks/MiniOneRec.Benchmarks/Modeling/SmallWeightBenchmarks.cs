using BenchmarkDotNet.Attributes;
using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Benchmarks;

/// <summary>One product with a weight of the Qwen2.5-0.5B shape in 8 and 4 bits, beside packed bfloat16.</summary>
public class SmallWeightBenchmarks
{
    private const int Input = 896, Output = 4_864;

    private Projection _projection = null!;
    private WeightBlock _bfloat16 = null!;
    private WeightBlock _int8 = null!;
    private WeightBlock _int4 = null!;
    private Tensor _x = null!;

    /// <summary>Gets or sets the number of rows: beams, or tokens of a prompt.</summary>
    [Params(1, 50, 512)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        using var noGrad = no_grad();
        _projection = new Projection(Input, Output, false, 0.02);
        _projection.to(ScalarType.BFloat16);
        _x = randn(Rows, Input).to_type(ScalarType.BFloat16);                               // [R, in]
        (_bfloat16, _int8, _int4) = (Packed(ServingWeights.AsStored), Packed(ServingWeights.Int8), Packed(ServingWeights.Int4));
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _bfloat16.Dispose();
        _int8.Dispose();
        _int4.Dispose();
        _projection.Dispose();
        _x.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void BFloat16() => Multiply(_bfloat16);

    [Benchmark]
    public void EightBits() => Multiply(_int8);

    [Benchmark]
    public void FourBits() => Multiply(_int4);

    private WeightBlock Packed(ServingWeights form) =>
        _projection.Packed(new WeightPacking { Enabled = true, Form = form }).BlocksFor(_x)![0];

    private void Multiply(WeightBlock block)
    {
        using var noGrad = no_grad();
        using var y = block.Linear(_x);                                                     // [R, out]
    }
}

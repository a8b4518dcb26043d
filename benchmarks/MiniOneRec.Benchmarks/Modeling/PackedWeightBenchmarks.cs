using BenchmarkDotNet.Attributes;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Benchmarks;

/// <summary>One product with a weight of the Qwen2.5-0.5B shape: libtorch's, oneDNN's, and oneDNN's with the weight packed once.</summary>
public class PackedWeightBenchmarks
{
    private const int Input = 896, Output = 4_864;

    private readonly WeightPacking _packing = new() { Enabled = true };
    private Projection _projection = null!;
    private PackedWeight _packed = null!;
    private Tensor _x = null!;

    /// <summary>Gets or sets the number of rows: beams, or tokens of a prompt.</summary>
    [Params(16, 50, 110, 512)]
    public int Rows { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        using var noGrad = no_grad();
        _projection = new Projection(Input, Output, false, 0.02);
        _packed = _projection.Packed(_packing);
        _x = randn(Rows, Input);                                                            // [R, in]
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _packing.Drop();
        _projection.Dispose();
        _x.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void Libtorch()
    {
        using var noGrad = no_grad();
        using var y = F.linear(_x, _projection.Weight);                                     // [R, out]
    }

    [Benchmark]
    public void OneDnn()
    {
        using var noGrad = no_grad();
        using var y = CpuLinear.Run(_x, _projection.Weight, null);                          // [R, out]
    }

    [Benchmark]
    public void OneDnnPacked()
    {
        using var noGrad = no_grad();
        using var y = _packed.BlocksFor(_x)![0].Linear(_x);                                 // [R, out]
    }
}

using BenchmarkDotNet.Attributes;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Benchmarks;

/// <summary>One decode step of grouped-query attention over a shared prompt: query groups folded into the length, and the kernel that
/// decoding uses, against copies of keys and values.</summary>
public class AttentionBenchmarks
{
    private const int Heads = 14, Groups = 2, Width = 64;

    private Tensor _query = null!;
    private Tensor _keys = null!;
    private Tensor _values = null!;
    private AttentionRows _rows = null!;

    /// <summary>Gets or sets the number of beams.</summary>
    [Params(1, 50)]
    public int Beams { get; set; }

    /// <summary>Gets or sets the length of the prompt.</summary>
    [Params(128, 1024)]
    public int Prompt { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _query = randn(Beams, Heads, 1, Width);                                             // [W, H, 1, Dh]
        _keys = randn(1, Groups, Prompt, Width);                                            // [1, Hkv, S, Dh]
        _values = randn(1, Groups, Prompt, Width);                                          // [1, Hkv, S, Dh]
        _rows = new AttentionRows(new int[Beams], [.. Enumerable.Repeat(Prompt, Beams)], [], new int[Beams]);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _query.Dispose();
        _keys.Dispose();
        _values.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void CopiedPerBeam()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var keys = _keys.expand(Beams, Groups, Prompt, Width).repeat_interleave(Heads / Groups, 1);     // [W, H, S, Dh]
        var values = _values.expand(Beams, Groups, Prompt, Width).repeat_interleave(Heads / Groups, 1); // [W, H, S, Dh]
        F.scaled_dot_product_attention(_query, keys, values);
    }

    [Benchmark]
    public void GroupedPerBeam()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var keys = _keys.expand(Beams, Groups, Prompt, Width);                              // [W, Hkv, S, Dh]
        var values = _values.expand(Beams, Groups, Prompt, Width);                          // [W, Hkv, S, Dh]
        using var y = Aten.ScaledDotProductAttention(_query, keys, values, null, false, null, groupedQuery: true);
    }

    [Benchmark]
    public void FoldedShared()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var query = _query.view(Beams, Groups, Heads / Groups, Width).transpose(0, 1)
            .reshape(1, Groups, Beams * (Heads / Groups), Width);                           // [1, Hkv, W·H/Hkv, Dh]
        F.scaled_dot_product_attention(query, _keys, _values);
    }

    [Benchmark]
    public void Kernel()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        CpuAttention.Run(_query.view(Beams, Heads, Width), _keys, _values, null, null, _rows, 1 / Math.Sqrt(Width));   // [W, H·Dh]
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Sums exponentials of logits that arrive block by block, one pass over each block while it is in the cache.</summary>
/// <param name="rows">M.</param>
internal sealed unsafe class LogSumExp(int rows)
{
    private readonly float[] _largest = [.. Enumerable.Repeat(float.NegativeInfinity, rows)];
    private readonly double[] _sum = new double[rows];

    /// <summary>Adds a block.</summary>
    /// <param name="logits"><c>[M, n]</c> on the CPU, float32 or bfloat16.</param>
    public void Add(Tensor logits)
    {
        using var scope = NewDisposeScope();
        var block = logits.size(1) % 16 == 0 ? logits.contiguous()
            : nn.functional.pad(logits, [0, 16 - logits.size(1) % 16], value: double.NegativeInfinity);
        if (block.dtype == ScalarType.Float32)
        {
            Add<SingleElement>(CpuTensor.At(block), block.size(1));
        }
        else
        {
            Add<BFloat16Element>(CpuTensor.At(block), block.size(1));
        }

        GC.KeepAlive(block);
    }

    /// <summary>Gets log Σ exp(logit) of each row.</summary>
    public float[] Values() => [.. _largest.Zip(_sum, (largest, sum) => (float)(largest + Math.Log(sum)))];

    private void Add<T>(byte* logits, long width)
        where T : struct, ICpuElement =>
        CpuThreads.Each(rows, rows * width * 2, r => AddRow<T>(r, logits + r * width * T.Bytes, width * T.Bytes));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddRow<T>(int r, byte* logits, long bytes)
        where T : struct, ICpuElement
    {
        long step = 16 * T.Bytes;
        var top = T.Load(logits);
        for (long at = step; at < bytes; at += step)
        {
            top = Vector512.Max(top, T.Load(logits + at));
        }

        float largest = CpuProduct.Max(top, _largest[r]);
        var shift = Vector512.Create(largest);
        var sum = Vector512<float>.Zero;
        for (long at = 0; at < bytes; at += step)
        {
            sum += Vector512.Exp(T.Load(logits + at) - shift);
        }

        _sum[r] = (_sum[r] == 0 ? 0 : _sum[r] * Math.Exp(_largest[r] - largest)) + Vector512.Sum(sum);
        _largest[r] = largest;
    }
}

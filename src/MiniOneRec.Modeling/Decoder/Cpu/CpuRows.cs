using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Norm and rotation in one pass each, for the few rows of a decoding step.</summary>
/// <remarks>
/// libtorch takes six operations for a norm and starts its threads for each: for 50 rows that costs several times the arithmetic. Beyond
/// <see cref="Largest"/> elements its threads are worth it, and these methods decline.
/// </remarks>
internal static unsafe class CpuRows
{
    /// <summary>The most elements.</summary>
    private const long Largest = 1 << 19;

    /// <summary>Computes <c>x / rms(x) ⊙ w</c> over the last axis.</summary>
    /// <returns>The result, or <see langword="null"/> where the operands are not of the kind that is served.</returns>
    public static Tensor? RmsNorm(Tensor x, Tensor weight, double epsilon)
    {
        long width = weight.size(0), elements = x.numel();
        if (elements > Largest || width % 16 != 0 || x.dtype != weight.dtype || !CpuTensor.Serves(x) || !CpuTensor.Serves(weight))
        {
            return null;
        }

        var y = x.dim() == 2 ? RowBuckets.Empty(elements / width, width, x.dtype) : empty_like(x);
        byte* from = CpuTensor.At(x), scale = CpuTensor.At(weight), to = CpuTensor.At(y);
        if (x.dtype == ScalarType.Float32)
        {
            Normalize<SingleElement>(from, scale, to, elements / width, (int)width, epsilon);
        }
        else
        {
            Normalize<BFloat16Element>(from, scale, to, elements / width, (int)width, epsilon);
        }

        GC.KeepAlive(x);
        GC.KeepAlive(weight);
        return y;
    }

    /// <summary>Takes queries, keys and values apart and rotates queries and keys.</summary>
    /// <param name="all">Heads side by side: queries, keys, values, <c>[N, H + 2·Hkv, Dh]</c>.</param>
    /// <param name="cos"><c>[N, 1, Dh]</c>.</param>
    /// <param name="sin"><c>[N, 1, Dh]</c>.</param>
    /// <param name="heads">H.</param>
    /// <param name="kvHeads">Hkv.</param>
    /// <returns>Three contiguous tensors, or <see langword="null"/> where the operands are not of the kind that is served.</returns>
    public static (Tensor Q, Tensor K, Tensor V)? Rotate(Tensor all, Tensor cos, Tensor sin, long heads, long kvHeads)
    {
        long rows = all.size(0), width = all.size(2);
        if (all.numel() > Largest || width % 32 != 0 || all.dtype != cos.dtype || !CpuTensor.Serves(all) || !CpuTensor.Serves(cos)
            || !CpuTensor.Serves(sin))
        {
            return null;
        }

        Tensor q = empty([rows, heads, width], dtype: all.dtype), k = empty([rows, kvHeads, width], dtype: all.dtype),
            v = empty([rows, kvHeads, width], dtype: all.dtype);
        byte* from = CpuTensor.At(all), c = CpuTensor.At(cos), s = CpuTensor.At(sin);
        if (all.dtype == ScalarType.Float32)
        {
            TakeApart<SingleElement>(from, c, s, CpuTensor.At(q), CpuTensor.At(k), CpuTensor.At(v), rows, (int)heads, (int)kvHeads,
                (int)width);
        }
        else
        {
            TakeApart<BFloat16Element>(from, c, s, CpuTensor.At(q), CpuTensor.At(k), CpuTensor.At(v), rows, (int)heads, (int)kvHeads,
                (int)width);
        }

        GC.KeepAlive(all);
        GC.KeepAlive(cos);
        GC.KeepAlive(sin);
        return (q, k, v);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Normalize<T>(byte* x, byte* weight, byte* y, long rows, int width, double epsilon)
        where T : struct, ICpuElement
    {
        int step = 16 * T.Bytes, bytes = width * T.Bytes;
        for (long r = 0; r < rows; r++, x += bytes, y += bytes)
        {
            var squares = Vector512<float>.Zero;
            for (int at = 0; at < bytes; at += step)
            {
                var values = T.Load(x + at);
                squares = Vector512.FusedMultiplyAdd(values, values, squares);
            }

            var inverse = Vector512.Create((float)(1 / Math.Sqrt(Vector512.Sum(squares) / (double)width + epsilon)));
            for (int at = 0; at < bytes; at += step)
            {
                T.Store(y + at, T.Round(T.Load(x + at) * inverse) * T.Load(weight + at));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TakeApart<T>(byte* all, byte* cos, byte* sin, byte* q, byte* k, byte* v, long rows, int heads, int kvHeads,
        int width)
        where T : struct, ICpuElement
    {
        int bytes = width * T.Bytes;
        for (long r = 0; r < rows; r++, cos += bytes, sin += bytes)
        {
            for (int head = 0; head < heads; head++, all += bytes, q += bytes)
            {
                Turn<T>(all, cos, sin, q, bytes);
            }

            for (int head = 0; head < kvHeads; head++, all += bytes, k += bytes)
            {
                Turn<T>(all, cos, sin, k, bytes);
            }

            int rest = kvHeads * bytes;
            Buffer.MemoryCopy(all, v, rest, rest);
            all += rest;
            v += rest;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn<T>(byte* x, byte* cos, byte* sin, byte* y, int bytes)
        where T : struct, ICpuElement
    {
        int half = bytes / 2, step = 16 * T.Bytes;
        for (int at = 0; at < half; at += step)
        {
            Vector512<float> first = T.Load(x + at), second = T.Load(x + half + at);
            T.Store(y + at, Vector512.FusedMultiplyAdd(-second, T.Load(sin + at), T.Round(first * T.Load(cos + at))));
            T.Store(y + half + at, Vector512.FusedMultiplyAdd(first, T.Load(sin + half + at), T.Round(second * T.Load(cos + half + at))));
        }
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>What happens around a product in 8-bit integers: inputs are rounded before, and scaled back after.</summary>
internal static unsafe class QuantizedRows
{
    /// <summary>Names what is done with a product once it is scaled back.</summary>
    public enum After
    {
        /// <summary>Nothing.</summary>
        Nothing,

        /// <summary>x · sigmoid(x).</summary>
        Silu,

        /// <summary>Another matrix is added.</summary>
        Plus,

        /// <summary>It is multiplied by another matrix, element by element.</summary>
        Times,
    }

    /// <summary>How large the largest value of a row may be, in root mean squares of the row, before the row is written as two.</summary>
    private const float Outlier = 8;

    /// <summary>Finds the rows that one code a value would write badly.</summary>
    /// <param name="x"><c>[N, in]</c>, contiguous, float32 or bfloat16.</param>
    /// <returns>Their numbers, ascending.</returns>
    public static int[] Outliers(Tensor x)
    {
        int rows = (int)x.size(0), width = (int)x.size(1);
        byte* from = CpuTensor.At(x);
        bool single = x.dtype == ScalarType.Float32;
        var found = new bool[rows];
        CpuThreads.Each(rows, 2L * rows * width, r =>
        {
            var (most, square) = single
                ? Spread<SingleElement>(from + (long)r * width * 4, width) : Spread<BFloat16Element>(from + (long)r * width * 2, width);
            found[r] = most > Outlier * MathF.Sqrt(square / width);
        });
        GC.KeepAlive(x);
        return [.. Enumerable.Range(0, rows).Where(r => found[r])];
    }

    /// <summary>Rounds each row to whole numbers from −levels to levels; of some, what is left is rounded too.</summary>
    /// <param name="x"><c>[N, in]</c>, contiguous, float32 or bfloat16.</param>
    /// <param name="twice">The rows that are written as two.</param>
    /// <param name="codes">Receives the codes, <c>[at least N + twice, in]</c>, of 8 bits; further rows are left alone.</param>
    /// <param name="levels">The largest code, at most 127.</param>
    /// <param name="middle">What is added to the codes.</param>
    /// <returns>What a code of 1 stands for, by row of codes; NaN for a row that holds one.</returns>
    public static float[] Quantize(Tensor x, int[] twice, Tensor codes, int levels, int middle)
    {
        int rows = (int)x.size(0), width = (int)x.size(1);
        var scales = new float[rows + twice.Length];
        byte* from = CpuTensor.At(x), to = CpuTensor.At(codes);
        bool single = x.dtype == ScalarType.Float32;
        CpuThreads.Each(rows, 2L * rows * width, r =>
        {
            byte* row = to + (long)r * width;
            scales[r] = single
                ? Row<SingleElement>(from + (long)r * width * 4, row, width, levels, middle)
                : Row<BFloat16Element>(from + (long)r * width * 2, row, width, levels, middle);
            if (Array.BinarySearch(twice, r) is var extra and >= 0)
            {
                byte* rest = to + (long)(rows + extra) * width;
                scales[rows + extra] = single
                    ? Rest<SingleElement>(from + (long)r * width * 4, row, rest, width, levels, middle, scales[r])
                    : Rest<BFloat16Element>(from + (long)r * width * 2, row, rest, width, levels, middle, scales[r]);
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(codes);
        return scales;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (float Most, float Square) Spread<T>(byte* x, int width)
        where T : struct, ICpuElement
    {
        int whole = width / 16 * 16;
        Vector512<float> largest = default, squares = default;
        for (int i = 0; i < whole; i += 16)
        {
            var value = T.Load(x + (long)i * T.Bytes);
            largest = Vector512.Max(largest, Vector512.Abs(value));
            squares = Vector512.FusedMultiplyAdd(value, value, squares);
        }

        float most = CpuProduct.Max(largest, 0), square = Vector512.Sum(squares);
        for (int i = whole; i < width; i++)
        {
            float value = One<T>(x + (long)i * T.Bytes);
            (most, square) = (MathF.Max(most, MathF.Abs(value)), square + value * value);
        }

        return (most, square);
    }

    // What the first codes leave is at most half of one of them.
    private static float Rest<T>(byte* x, byte* codes, byte* rest, int width, int levels, int middle, float scale)
        where T : struct, ICpuElement
    {
        float finer = scale / (2 * levels), inverse = finer > 0 ? 1 / finer : 0;
        for (int i = 0; i < width; i++)
        {
            float left = One<T>(x + (long)i * T.Bytes) - (sbyte)(codes[i] - middle) * scale;
            float code = MathF.Round(left * inverse);
            rest[i] = (byte)(middle + (int)Math.Clamp(code, -levels, levels));
        }

        return finer;
    }

    /// <summary>Scales sums back, adds the bias, and does what follows.</summary>
    /// <param name="sums"><c>[at least N, out]</c>, float32, contiguous; out a multiple of 16.</param>
    /// <param name="y">Receives the result, <c>[at least N, out]</c>, float32 or bfloat16, contiguous; may be
    /// <paramref name="sums"/>.</param>
    /// <param name="scales">By row of codes.</param>
    /// <param name="twice">The rows that were written as two; their second sums follow the N first ones.</param>
    /// <param name="bias"><c>[out]</c>, float32, or <see langword="null"/>.</param>
    /// <param name="other"><c>[N, out]</c>, contiguous, in the type of <paramref name="y"/>, or <see langword="null"/>.</param>
    /// <param name="after">What follows.</param>
    public static void Finish(Tensor sums, Tensor y, float[] scales, int[] twice, Tensor? bias, Tensor? other, After after)
    {
        int width = (int)sums.size(1);
        byte* from = CpuTensor.At(sums), to = CpuTensor.At(y), with = other is null ? null : CpuTensor.At(other),
            plus = bias is null ? null : CpuTensor.At(bias);
        bool single = y.dtype == ScalarType.Float32;
        int rows = scales.Length - twice.Length;
        CpuThreads.Each(rows, (long)rows * width, r =>
        {
            byte* row = from + (long)r * width * 4;
            if (Array.BinarySearch(twice, r) is var extra and >= 0)
            {
                Join((float*)row, (float*)from + (long)(rows + extra) * width, width, scales[r], scales[rows + extra]);
            }

            if (single)
            {
                Back<SingleElement>(row, to + (long)r * width * 4, with + (long)r * width * 4, plus, width, scales[r], after);
            }
            else
            {
                Back<BFloat16Element>(row, to + (long)r * width * 2, with + (long)r * width * 2, plus, width, scales[r], after);
            }
        });
        GC.KeepAlive(sums);
        GC.KeepAlive(y);
        GC.KeepAlive(other);
        GC.KeepAlive(bias);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Row<T>(byte* x, byte* codes, int width, int levels, int middle)
        where T : struct, ICpuElement
    {
        int whole = width / 16 * 16;
        var largest = Vector512<float>.Zero;
        for (int i = 0; i < whole; i += 16)
        {
            largest = Vector512.Max(largest, Vector512.Abs(T.Load(x + (long)i * T.Bytes)));
        }

        float* rest = stackalloc float[16];
        Vector512<float>.Zero.Store(rest);
        for (int i = whole; i < width; i++)
        {
            rest[i - whole] = One<T>(x + (long)i * T.Bytes);
        }

        largest = Vector512.Max(largest, Vector512.Abs(Vector512.Load(rest)));
        float most = CpuProduct.Max(largest, 0), scale = most / levels;
        var inverse = Vector512.Create(most > 0 ? levels / most : 0);
        var added = Vector512.Create(middle);
        for (int i = 0; i < whole; i += 16)
        {
            Codes(T.Load(x + (long)i * T.Bytes), inverse, added).Store(codes + i);
        }

        if (whole < width)
        {
            var last = Codes(Vector512.Load(rest), inverse, added);
            for (int i = whole; i < width; i++)
            {
                codes[i] = last[i - whole];
            }
        }

        return scale;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Codes(Vector512<float> values, Vector512<float> inverse, Vector512<int> middle)
    {
        var codes = (Vector512.ConvertToInt32(Vector512.Round(values * inverse)) + middle).AsUInt32();
        var half = Vector256.Narrow(codes.GetLower(), codes.GetUpper());
        return Vector128.Narrow(half.GetLower(), half.GetUpper());
    }

    private static float One<T>(byte* at)
        where T : struct, ICpuElement =>
        T.Bytes == 4 ? *(float*)at : BitConverter.UInt32BitsToSingle((uint)*(ushort*)at << 16);

    // Both sums of a row in units of the first.
    private static void Join(float* sums, float* more, int width, float scale, float finer)
    {
        var factor = Vector512.Create(finer / scale);
        for (int i = 0; i < width; i += 16)
        {
            Vector512.FusedMultiplyAdd(Vector512.Load(more + i), factor, Vector512.Load(sums + i)).Store(sums + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Back<T>(byte* sums, byte* y, byte* other, byte* bias, int width, float scale, After after)
        where T : struct, ICpuElement
    {
        var factor = Vector512.Create(scale);
        for (int i = 0; i < width; i += 16)
        {
            var value = Vector512.Load((float*)sums + i) * factor;
            if (bias != null)
            {
                value += Vector512.Load((float*)bias + i);
            }

            value = after switch
            {
                After.Silu => value / (Vector512<float>.One + Vector512.Exp(-value)),
                After.Plus => value + T.Load(other + (long)i * T.Bytes),
                After.Times => value * T.Load(other + (long)i * T.Bytes),
                _ => value,
            };
            T.Store(y + (long)i * T.Bytes, value);
        }
    }
}

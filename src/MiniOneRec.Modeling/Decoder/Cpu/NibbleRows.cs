using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Rows of weights in 4 bits: packed once, and unpacked to 8 bits for a product.</summary>
/// <remarks>
/// A group of 32 weights takes 16 bytes: byte i holds weight i in its lower half and weight i + 16 in its upper one. Scale and least value
/// of a group are bfloat16, and the codes are chosen for them as they are rounded.
/// </remarks>
internal static unsafe class NibbleRows
{
    private const int Group = (int)Int4Block.Group;

    /// <summary>Rounds weights to 4 bits.</summary>
    /// <param name="weight"><c>[out, in]</c>, contiguous, float32 or bfloat16.</param>
    /// <param name="codes">Receives the codes, <c>[out, in / 2]</c>, uint8.</param>
    /// <param name="groups">Receives scale and least value, <c>[out, in / 32, 2]</c>, bfloat16.</param>
    /// <param name="scales">Receives what 1 stands for in 8 bits, <c>[out]</c>, float32.</param>
    public static void Pack(Tensor weight, Tensor codes, Tensor groups, Tensor scales)
    {
        int rows = (int)weight.size(0), width = (int)weight.size(1);
        byte* from = CpuTensor.At(weight), to = CpuTensor.At(codes), with = CpuTensor.At(groups);
        float* scale = (float*)CpuTensor.At(scales);
        bool single = weight.dtype == ScalarType.Float32;
        CpuThreads.Each(rows, 4L * rows * width, r =>
        {
            byte* row = to + (long)r * width / 2;
            uint* pairs = (uint*)with + (long)r * width / Group;
            scale[r] = single
                ? PackRow<SingleElement>(from + (long)r * width * 4, row, pairs, width)
                : PackRow<BFloat16Element>(from + (long)r * width * 2, row, pairs, width);
        });
        GC.KeepAlive(weight);
        GC.KeepAlive(codes);
        GC.KeepAlive(groups);
        GC.KeepAlive(scales);
    }

    /// <summary>Writes the weights of some rows in 8 bits.</summary>
    /// <param name="codes"><c>[out, in / 2]</c>.</param>
    /// <param name="groups"><c>[out, in / 32, 2]</c>.</param>
    /// <param name="scales"><c>[out]</c>.</param>
    /// <param name="start">The first row.</param>
    /// <param name="weight">Receives the weights, <c>[count, in]</c>, int8, contiguous.</param>
    public static void Unpack(Tensor codes, Tensor groups, Tensor scales, long start, Tensor weight)
    {
        const int Rows = 16;
        int count = (int)weight.size(0), width = (int)weight.size(1);
        byte* from = CpuTensor.At(codes) + start * width / 2, to = CpuTensor.At(weight);
        uint* pairs = (uint*)CpuTensor.At(groups) + start * width / Group;
        float* scale = (float*)CpuTensor.At(scales) + start;
        CpuThreads.Each((count + Rows - 1) / Rows, (long)count * width, piece =>
        {
            for (int r = piece * Rows; r < Math.Min(count, (piece + 1) * Rows); r++)
            {
                UnpackRow(from + (long)r * width / 2, pairs + (long)r * width / Group, scale[r], (sbyte*)to + (long)r * width, width);
            }
        });
        GC.KeepAlive(codes);
        GC.KeepAlive(groups);
        GC.KeepAlive(scales);
        GC.KeepAlive(weight);
    }

    /// <summary>Computes <c>x Wᵀ</c> in whole numbers, for few rows or where libtorch's products are not exact.</summary>
    /// <param name="x"><c>[at least N, in]</c>, int8.</param>
    /// <param name="rows">N.</param>
    /// <param name="weight">W, <c>[out, in]</c>, int8.</param>
    /// <returns><c>[N, out]</c>, int32.</returns>
    public static Tensor Products(Tensor x, long rows, Tensor weight)
    {
        const int Step = 16;
        int outputs = (int)weight.size(0), width = (int)weight.size(1);
        var y = empty([rows, outputs], dtype: ScalarType.Int32);
        sbyte* from = (sbyte*)CpuTensor.At(x), with = (sbyte*)CpuTensor.At(weight);
        int* to = (int*)CpuTensor.At(y);
        CpuThreads.Each((outputs + Step - 1) / Step, rows * outputs * width, piece =>
        {
            for (int o = piece * Step; o < Math.Min(outputs, (piece + 1) * Step); o++)
            {
                for (long r = 0; r < rows; r++)
                {
                    to[r * outputs + o] = Dot(from + r * width, with + (long)o * width, width);
                }
            }
        });
        GC.KeepAlive(x);
        GC.KeepAlive(weight);
        GC.KeepAlive(y);
        return y;
    }

    /// <summary>Scales whole numbers back by output.</summary>
    /// <param name="products"><c>[at least N, count]</c>, int32.</param>
    /// <param name="scales"><c>[out]</c>.</param>
    /// <param name="sums">Receives the columns from <paramref name="start"/> on, <c>[N, out]</c>, float32.</param>
    /// <param name="start">The first output, a multiple of 16.</param>
    /// <param name="rows">N.</param>
    public static void Scale(Tensor products, Tensor scales, Tensor sums, long start, long rows)
    {
        int count = (int)products.size(1);
        long width = sums.size(1);
        int* from = (int*)CpuTensor.At(products);
        float* scale = (float*)CpuTensor.At(scales) + start, to = (float*)CpuTensor.At(sums) + start;
        CpuThreads.Each((int)rows, rows * count, r =>
        {
            for (int o = 0; o < count; o += Vector512<float>.Count)
            {
                var sum = Vector512.ConvertToSingle(Vector512.Load(from + (long)r * count + o));
                (sum * Vector512.Load(scale + o)).Store(to + r * width + o);
            }
        });
        GC.KeepAlive(products);
        GC.KeepAlive(scales);
        GC.KeepAlive(sums);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float PackRow<T>(byte* weight, byte* codes, uint* pairs, int width)
        where T : struct, ICpuElement
    {
        float most = 0;
        for (int g = 0; g < width / Group; g++)
        {
            Vector512<float> lower = T.Load(weight + (long)g * Group * T.Bytes), upper = T.Load(weight + ((long)g * Group + 16) * T.Bytes);
            float least = -Largest(Vector512.Max(-lower, -upper)), largest = Largest(Vector512.Max(lower, upper));
            float scale = Rounded(MathF.Max((largest - least) / 15, 1e-30f));
            least = Rounded(least);
            pairs[g] = BitConverter.SingleToUInt32Bits(scale) >> 16 | BitConverter.SingleToUInt32Bits(least);
            most = MathF.Max(most, MathF.Max(MathF.Abs(least), MathF.Abs(least + 15 * scale)));
            var inverse = Vector512.Create(1 / scale);
            var shift = Vector512.Create(least);
            (Codes((lower - shift) * inverse) | Codes((upper - shift) * inverse) << 4).Store(codes + g * Group / 2);
        }

        return MathF.Max(most / 127, 1e-30f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Codes(Vector512<float> values)
    {
        var codes = Vector512.ConvertToInt32(Vector512.Min(Vector512.Max(Vector512.Round(values), default), Vector512.Create(15f)));
        return Bytes(codes).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Bytes(Vector512<int> values)
    {
        if (Avx512F.IsSupported)
        {
            return Avx512F.ConvertToVector128SByte(values);
        }

        var half = Vector256.Narrow(values.GetLower(), values.GetUpper());
        return Vector128.Narrow(half.GetLower(), half.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UnpackRow(byte* codes, uint* pairs, float scale, sbyte* weight, int width)
    {
        float inverse = 1 / scale;
        var ramp = Vector512.Create(0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        var mask = Vector128.Create((byte)15);
        for (int g = 0; g < width / Group; g++)
        {
            uint pair = pairs[g];
            float step = BitConverter.UInt32BitsToSingle(pair << 16) * inverse,
                least = BitConverter.UInt32BitsToSingle(pair & 0xFFFF0000) * inverse;
            var values = Vector512.Round(Vector512.FusedMultiplyAdd(ramp, Vector512.Create(step), Vector512.Create(least)));
            var table = Bytes(Vector512.ConvertToInt32Native(values));
            var pairsOfCodes = Vector128.Load(codes + g * Group / 2);
            Vector128.ShuffleNative(table, (pairsOfCodes & mask).AsSByte()).Store(weight + g * Group);
            Vector128.ShuffleNative(table, Vector128.ShiftRightLogical(pairsOfCodes, 4).AsSByte()).Store(weight + g * Group + 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Dot(sbyte* x, sbyte* weight, int width)
    {
        if (!Avx2.IsSupported)
        {
            int all = 0;
            for (int i = 0; i < width; i++)
            {
                all += x[i] * weight[i];
            }

            return all;
        }

        var sum = Vector256<int>.Zero;
        for (int i = 0; i < width; i += 16)
        {
            sum += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(x + i), Avx2.ConvertToVector256Int16(weight + i));
        }

        return Vector256.Sum(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Largest(Vector512<float> values)
    {
        var half = Vector256.Max(values.GetLower(), values.GetUpper());
        var quarter = Vector128.Max(half.GetLower(), half.GetUpper());
        return MathF.Max(MathF.Max(quarter[0], quarter[1]), MathF.Max(quarter[2], quarter[3]));
    }

    // To bfloat16, ties to even; what is no number stays none.
    private static float Rounded(float value) => BFloat16Element.Round(Vector512.Create(value)).ToScalar();
}

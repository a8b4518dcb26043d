using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>How a type of tensor element is read into float32 lanes and written back.</summary>
internal unsafe interface ICpuElement
{
    /// <summary>Gets the bytes of an element.</summary>
    static abstract int Bytes { get; }

    /// <summary>Reads 16 elements.</summary>
    static abstract Vector512<float> Load(byte* at);

    /// <summary>Writes 16 elements, rounded to the nearest, ties to even.</summary>
    static abstract void Store(byte* at, Vector512<float> values);

    /// <summary>Rounds as <see cref="Store"/> does.</summary>
    static abstract Vector512<float> Round(Vector512<float> values);
}

/// <summary>float32.</summary>
internal readonly unsafe struct SingleElement : ICpuElement
{
    public static int Bytes => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(byte* at) => Vector512.Load((float*)at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* at, Vector512<float> values) => values.Store((float*)at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> values) => values;
}

/// <summary>bfloat16: the upper half of a float32.</summary>
internal readonly unsafe struct BFloat16Element : ICpuElement
{
    public static int Bytes => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(byte* at)
    {
        var half = Vector256.Load((ushort*)at);
        return Vector512.ShiftLeft(Vector512.Create(Vector256.WidenLower(half), Vector256.WidenUpper(half)), 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(byte* at, Vector512<float> values)
    {
        var upper = Vector512.ShiftRightLogical(Bits(values), 16);
        Vector256.Narrow(upper.GetLower(), upper.GetUpper()).Store((ushort*)at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Round(Vector512<float> values) => (Bits(values) & Vector512.Create(0xFFFF0000u)).AsSingle();

    // Adding would turn some NaNs into numbers: all become one NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Bits(Vector512<float> values)
    {
        var bits = values.AsUInt32();
        var rounded = bits + Vector512.Create(0x7FFFu) + (Vector512.ShiftRightLogical(bits, 16) & Vector512<uint>.One);
        return Vector512.ConditionalSelect(Vector512.Equals(values, values).AsUInt32(), rounded, Vector512.Create(0x7FC00000u));
    }
}

/// <summary>Which tensors the kernels of this folder take.</summary>
internal static unsafe class CpuTensor
{
    /// <summary>Whether a tensor is contiguous and served at all.</summary>
    public static bool Serves(Tensor x) => CpuInference.Serves(x) && x.is_contiguous();

    /// <summary>Gets where a contiguous tensor's elements lie; the caller keeps the tensor alive.</summary>
    public static byte* At(Tensor x)
    {
        fixed (byte* start = x.bytes)
        {
            return start;                                           // native memory: nothing moves it
        }
    }
}

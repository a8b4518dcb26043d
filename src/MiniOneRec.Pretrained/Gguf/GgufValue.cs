namespace MiniOneRec.Pretrained;

/// <summary>Types of metadata values, as the format numbers them.</summary>
internal enum GgufValueType : uint
{
    UInt8 = 0,
    Int8 = 1,
    UInt16 = 2,
    Int16 = 3,
    UInt32 = 4,
    Int32 = 5,
    Float32 = 6,
    Bool = 7,
    String = 8,
    Array = 9,
    UInt64 = 10,
    Int64 = 11,
    Float64 = 12,
}

/// <summary>A metadata value: a scalar, a string, or where in the file an array lies.</summary>
/// <param name="Type">The type; for arrays, that of the elements.</param>
/// <param name="IsArray">Whether this is an array.</param>
/// <param name="Scalar">A number, a truth value or a string; <see langword="null"/> for arrays.</param>
/// <param name="Start">The first byte of an array's elements.</param>
/// <param name="Count">The number of an array's elements.</param>
internal sealed record GgufValue(GgufValueType Type, bool IsArray, object? Scalar, long Start, long Count)
{
    /// <summary>Gets the size of a value of fixed size, or 0.</summary>
    public static int SizeOf(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        _ => 0,
    };

    /// <summary>Turns raw bits into a number or truth value; whole numbers become <see cref="long"/> or <see cref="ulong"/>, others
    /// <see cref="double"/>.</summary>
    public static object FromBits(GgufValueType type, ulong bits) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.UInt16 or GgufValueType.UInt32 => (long)bits,
        GgufValueType.Int8 => (long)(sbyte)bits,
        GgufValueType.Int16 => (long)(short)bits,
        GgufValueType.Int32 => (long)(int)bits,
        GgufValueType.Int64 => (long)bits,
        GgufValueType.UInt64 => bits <= long.MaxValue ? (long)bits : bits,
        GgufValueType.Bool => bits != 0,
        GgufValueType.Float64 => BitConverter.UInt64BitsToDouble(bits),

        // The shortest decimal that means the same float32: 1e-5 stays 1e-5.
        _ => double.Parse($"{BitConverter.UInt32BitsToSingle((uint)bits):R}", System.Globalization.CultureInfo.InvariantCulture),
    };
}

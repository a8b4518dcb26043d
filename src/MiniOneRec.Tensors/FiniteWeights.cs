using System.Numerics;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>Looks for values that are no numbers: infinities and NaN.</summary>
internal static class FiniteWeights
{
    private const long PieceBytes = 4 << 20;

    /// <summary>Finds out whether all elements are finite; integers always are.</summary>
    /// <param name="tensor">Any shape. On the CPU it is read where it lies, several threads at a time.</param>
    public static bool Holds(Tensor tensor)
    {
        if (tensor.numel() == 0 || !tensor.is_floating_point())
        {
            return true;
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        if (tensor.device_type != DeviceType.CPU)
        {
            return tensor.detach().isfinite().all().item<bool>();
        }

        var flat = tensor.detach().contiguous().view(-1);
        long perPiece = PieceBytes / flat.ElementSize;
        int pieces = (int)((flat.numel() + perPiece - 1) / perPiece);
        Tensor[] parts =
            [.. Enumerable.Range(0, pieces).Select(i => flat.narrow(0, i * perPiece, Math.Min(perPiece, flat.numel() - i * perPiece)))];
        var type = flat.dtype;
        return Parallel.For(0, pieces, (i, state) =>
        {
            var bytes = parts[i].bytes;
            bool finite = type switch
            {
                ScalarType.Float32 => Holds(MemoryMarshal.Cast<byte, uint>(bytes), 0x7F80_0000u),
                ScalarType.Float16 => Holds(MemoryMarshal.Cast<byte, ushort>(bytes), (ushort)0x7C00),
                ScalarType.BFloat16 => Holds(MemoryMarshal.Cast<byte, ushort>(bytes), (ushort)0x7F80),
                _ => Holds(MemoryMarshal.Cast<byte, ulong>(bytes), 0x7FF0_0000_0000_0000ul),
            };
            if (!finite)
            {
                state.Stop();
            }
        }).IsCompleted;
    }

    /// <summary>Gets the name of the first tensor with NaN or an infinity, or <see langword="null"/>.</summary>
    public static string? FirstBad(IEnumerable<(string Name, Tensor Value)> tensors)
    {
        foreach (var (name, value) in tensors)
        {
            if (!Holds(value))
            {
                return name;
            }
        }

        return null;
    }

    /// <summary>Throws where a tensor is not finite.</summary>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="what">What they belong to, to begin a sentence.</param>
    /// <exception cref="InvalidOperationException">A tensor holds NaN or an infinity.</exception>
    public static void Require(IEnumerable<(string Name, Tensor Value)> tensors, string what)
    {
        if (FirstBad(tensors) is { } name)
        {
            throw new InvalidOperationException($"{what} was not saved: '{name}' holds a number that is not finite.");
        }
    }

    // All bits of the exponent are set in infinities and NaN, and in nothing else.
    private static bool Holds<T>(ReadOnlySpan<T> values, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var mask = new Vector<T>(exponent);
        int at = 0;
        for (; at <= values.Length - Vector<T>.Count; at += Vector<T>.Count)
        {
            if (Vector.EqualsAny(new Vector<T>(values[at..]) & mask, mask))
            {
                return false;
            }
        }

        for (; at < values.Length; at++)
        {
            if ((values[at] & exponent) == exponent)
            {
                return false;
            }
        }

        return true;
    }
}

using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>Rounds the rows of oneDNN's products up, so that few shapes occur.</summary>
/// <remarks>
/// oneDNN generates code for every shape: half a millisecond and 110 to 150 KB each, and it keeps the latest 1,024. Batches of prompts have
/// a new number of rows nearly every time. Rows are therefore computed in eight sizes per power of two; those beyond the last hold
/// anything, and are cut off. A row's result depends on its own values alone.
/// </remarks>
internal static class RowBuckets
{
    /// <summary>Rounds up to a multiple of an eighth of the largest power of two below; up to 16 nothing changes.</summary>
    /// <param name="rows">At least 0.</param>
    public static long Of(long rows)
    {
        if (rows <= 16)
        {
            return rows;
        }

        long step = 1L << (60 - System.Numerics.BitOperations.LeadingZeroCount((ulong)(rows - 1)));
        return (rows + step - 1) / step * step;
    }

    /// <summary>Makes a matrix whose memory has room for the rounded rows, so that <see cref="Widen"/> need not copy it.</summary>
    /// <param name="rows">N.</param>
    /// <param name="width">The columns.</param>
    /// <param name="type">The type.</param>
    /// <returns><c>[N, width]</c>, contiguous, not initialised.</returns>
    public static Tensor Empty(long rows, long width, ScalarType type)
    {
        long wide = Of(rows);
        if (wide == rows)
        {
            return empty([rows, width], dtype: type);
        }

        using var all = empty([wide, width], dtype: type);
        return all.narrow(0, 0, rows);
    }

    /// <summary>Gets a matrix with more rows: a view where its memory has room, else a copy.</summary>
    /// <param name="x"><c>[N, width]</c> on the CPU; only read.</param>
    /// <param name="wide">The rows to have, more than N.</param>
    /// <returns><c>[wide, width]</c>, contiguous.</returns>
    public static Tensor Widen(Tensor x, long wide)
    {
        long rows = x.size(0), width = x.size(1);
        if (x.is_contiguous())
        {
            long offset = x.storage_offset();
            if (Aten.StorageBytes(x) >= (offset + wide * width) * x.ElementSize)
            {
                return x.as_strided([wide, width], [width, 1], offset);
            }
        }

        var copy = empty([wide, width], dtype: x.dtype);
        using Tensor head = copy.narrow(0, 0, rows), tail = copy.narrow(0, rows, wide - rows);
        head.copy_(x);
        tail.zero_();
        return copy;
    }
}

using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>A file mapped into memory; tensors on it cost nothing until touched.</summary>
/// <remarks>The map is private: writes to a view copy the page and never reach the file. Views outlive the object.</remarks>
internal sealed class MappedFile : IDisposable
{
    private const int MadvPageOut = 21;
    private readonly Tensor? _bytes;

    /// <param name="path">An existing file.</param>
    public MappedFile(string path)
    {
        Length = FileSize.Of(path);
        // [bytes]
        _bytes = Length == 0 ? null : from_file(path, shared: false, size: Length, dtype: ScalarType.Byte).DetachFromDisposeScope();
    }

    /// <summary>Gets the size of the file in bytes.</summary>
    public long Length { get; }

    /// <summary>Makes a tensor of a stretch of the file.</summary>
    /// <param name="start">The first byte; where it is no multiple of the element size, the bytes are copied.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="shape">The shape; the caller has checked that it lies within the file.</param>
    public Tensor View(long start, ScalarType type, long[] shape)
    {
        using var scope = NewDisposeScope();
        long size = SizeOf(type), bytes = size;
        foreach (long length in shape)
        {
            bytes = checked(bytes * length);
        }

        if (bytes == 0)
        {
            return empty(shape, dtype: type).MoveToOuterDisposeScope();
        }

        var stretch = _bytes!.narrow(0, start, bytes);
        return Aten.ViewAs(start % size == 0 ? stretch : stretch.clone(), type).view(shape).MoveToOuterDisposeScope();
    }

    /// <summary>Lets the system take the pages of a tensor back now; those of a file are read again where somebody needs them.</summary>
    /// <param name="tensor">A contiguous tensor on the CPU; its values stay as they are.</param>
    public static unsafe void PageOut(Tensor tensor)
    {
        if (!OperatingSystem.IsLinux() || tensor.numel() == 0 || !tensor.is_contiguous())
        {
            return;
        }

        fixed (byte* start = tensor.bytes)
        {
            nint page = Environment.SystemPageSize, first = ((nint)start + page - 1) / page * page;
            nint end = ((nint)start + (nint)(tensor.numel() * tensor.ElementSize)) / page * page;
            if (end > first)
            {
                _ = madvise(first, end - first, MadvPageOut);       // where the kernel does not know it, the pages stay
            }
        }

        GC.KeepAlive(tensor);
    }

    /// <inheritdoc/>
    public void Dispose() => _bytes?.Dispose();

    [DllImport("libc")]
    private static extern int madvise(nint start, nint length, int advice);

    private static long SizeOf(ScalarType type) => type switch
    {
        ScalarType.Float64 or ScalarType.Int64 => 8,
        ScalarType.Float32 or ScalarType.Int32 => 4,
        ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
        _ => 1,
    };
}

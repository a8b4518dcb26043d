using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <content>The file format: a 32-byte header, the level starts, then the arrays, each on an 8-byte border.</content>
public sealed partial class SemanticIdTrie
{
    private const ulong Magic = 0x31_45_49_52_54_52_4F_4D;             // "MORTRIE1"

    /// <summary>Writes the trie; the earlier file stays whole until the new one is complete.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    /// <exception cref="IOException">A file of another kind exists; it stays.</exception>
    public Task SaveAsync(string path, CancellationToken cancellationToken = default) =>
        SaveAsync(path, overwrite: false, cancellationToken);

    /// <summary>Writes the trie; the earlier file stays whole until the new one is complete.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overwrite">Whether a file of another kind is replaced.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    public Task SaveAsync(string path, bool overwrite, CancellationToken cancellationToken = default) => AtomicFile.WriteAsync(
        path,
        stream =>
        {
            Span<long> header = [unchecked((long)Magic), NodeCount, ItemCount, Depth];
            stream.Write(MemoryMarshal.AsBytes(header));
            WriteArray(stream, _levelStart.AsSpan());
            WriteArray(stream, _firstChild.Span);
            WriteArray(stream, _firstItem.Span);
            WriteArray(stream, _items.Span);
            WriteArray(stream, _codes.Span);
            return Task.CompletedTask;
        },
        head => head.Length >= sizeof(ulong) && MemoryMarshal.Read<ulong>(head.Span) == Magic,
        overwrite,
        cancellationToken);

    /// <summary>Maps a trie's file into memory; nothing is read until it is used.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is no trie; the message says what is wrong.</exception>
    public static SemanticIdTrie Map(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"Trie file '{path}' does not exist.", path);
        }

        long length = FileSize.Of(path);
        if (length < 32)
        {
            throw new InvalidDataException($"Trie file '{path}' is {length} bytes long; expected at least 32.");
        }

        var file = new MappedFile(path, length);
        try
        {
            var header = MemoryMarshal.Cast<byte, long>(file.Slice<byte>(0, 32).Span);
            long nodes = header[1], items = header[2], depth = header[3];
            if (header[0] != unchecked((long)Magic) || nodes is < 2 or > int.MaxValue - 1 || items is < 1 or > int.MaxValue - 1
                || depth is < 1 or > SemanticId.MaxDepth)
            {
                throw new InvalidDataException($"Trie file '{path}' has no valid header.");
            }

            long at = 32;
            long Next(long bytes)
            {
                long start = at;
                at += (bytes + 7) / 8 * 8;
                return start;
            }

            long levels = Next((depth + 2) * 4), children = Next((nodes + 1) * 4), firsts = Next((nodes + 1) * 4), rows = Next(items * 4),
                codes = Next(nodes * 2);
            if (at != length)
            {
                throw new InvalidDataException($"Trie file '{path}' is {length} bytes long; its header describes {at}.");
            }

            var trie = new SemanticIdTrie(
                file.Slice<int>(children, nodes + 1), file.Slice<ushort>(codes, nodes), file.Slice<int>(firsts, nodes + 1),
                file.Slice<int>(rows, items),
                file.Slice<int>(levels, depth + 2).ToArray(), file);
            trie.CheckStructure(path);
            return trie;
        }
        catch
        {
            ((IDisposable)file).Dispose();
            throw;
        }
    }

    private void CheckStructure(string path)
    {
        bool ordered = _levelStart[0] == 0 && _levelStart[1] == 1 && _levelStart[^1] == NodeCount
            && _levelStart.AsSpan().IndexOfAnyExceptInRange(0, NodeCount) < 0;
        var children = _firstChild.Span;
        var firsts = _firstItem.Span;
        ordered &= children[0] == 1 && children[^1] == NodeCount && firsts[0] == 0 && firsts[^1] == ItemCount;
        var codes = _codes.Span;
        for (int node = 0; node < NodeCount && ordered; node++)
        {
            int start = children[node], end = children[node + 1];
            ordered = start > node && end >= start && end <= NodeCount && firsts[node + 1] >= firsts[node]
                && (end > start || firsts[node + 1] > firsts[node]);

            // Children are found by binary search: codes that do not ascend would hide items in silence.
            for (int child = start + 1; child < end && ordered; child++)
            {
                ordered = codes[child - 1] < codes[child];
            }
        }

        // A level begins with the first child of the level above: else a node would have no path to the root.
        for (int depth = 0; depth <= Depth && ordered; depth++)
        {
            ordered = _levelStart[depth] < _levelStart[depth + 1] && children[_levelStart[depth]] == _levelStart[depth + 1];
        }

        if (!ordered || _items.Span.IndexOfAnyExceptInRange(0, ItemCount - 1) >= 0)
        {
            throw new InvalidDataException($"Trie file '{path}' is damaged: its numbers are out of order.");
        }
    }

    private static void WriteArray<T>(Stream stream, ReadOnlySpan<T> values)
        where T : unmanaged
    {
        const int Piece = 1 << 20;
        for (int start = 0; start < values.Length; start += Piece)
        {
            stream.Write(MemoryMarshal.AsBytes(values.Slice(start, Math.Min(Piece, values.Length - start))));
        }

        int rest = (int)((long)values.Length * Unsafe.SizeOf<T>() % 8);
        if (rest > 0)
        {
            stream.Write(stackalloc byte[8 - rest]);
        }
    }

    private sealed unsafe class MappedFile : IDisposable
    {
        private readonly MemoryMappedFile _file;
        private readonly MemoryMappedViewAccessor _view;
        private readonly byte* _start;
        private readonly long _length;

        public MappedFile(string path, long length)
        {
            _length = length;
            _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            _view = _file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
            _start += _view.PointerOffset;
        }

        public ReadOnlyMemory<T> Slice<T>(long offset, long count)
            where T : unmanaged =>
            offset + count * sizeof(T) <= _length
                ? new Pointer<T>((T*)(_start + offset), checked((int)count)).Memory
                : throw new InvalidDataException("A trie file ends before its arrays do.");

        public void Dispose()
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file.Dispose();
        }
    }

    private sealed unsafe class Pointer<T>(T* start, int length) : MemoryManager<T>
        where T : unmanaged
    {
        private readonly T* _start = start;
        private readonly int _length = length;

        public override Span<T> GetSpan() => new(_start, _length);

        public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}

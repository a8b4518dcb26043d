using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace MiniOneRec.Pretrained;

/// <summary>Reads little-endian values one after the other; nothing is allocated that the file could not hold.</summary>
internal sealed class GgufReader(SafeFileHandle handle, string path)
{
    private readonly byte[] _buffer = new byte[1 << 16];
    private long _bufferStart;
    private int _bufferCount;

    /// <summary>Gets the size of the file.</summary>
    public long Length { get; } = RandomAccess.GetLength(handle);

    /// <summary>Gets or sets the next byte to read.</summary>
    public long Position { get; set; }

    public byte U8() => Take(1)[0];

    public uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    /// <summary>Reads raw bits of 1 to 8 bytes.</summary>
    public ulong Bits(int bytes)
    {
        Span<byte> bits = stackalloc byte[8];
        bits.Clear();
        Take(bytes).CopyTo(bits);
        return BinaryPrimitives.ReadUInt64LittleEndian(bits);
    }

    /// <summary>Reads a string: its length in bytes, then UTF-8.</summary>
    /// <param name="what">What it is, for messages.</param>
    /// <param name="maxBytes">Longer ones are refused.</param>
    public string Text(string what, long maxBytes)
    {
        int length = (int)TextLength(what, Math.Min(maxBytes, int.MaxValue));
        if (length <= _buffer.Length)
        {
            return Encoding.UTF8.GetString(Take(length));
        }

        byte[] bytes = new byte[length];
        Fill(bytes, Position);
        Position += length;
        return Encoding.UTF8.GetString(bytes);
    }

    /// <summary>Skips a string.</summary>
    public void SkipText(string what)
    {
        long length = TextLength(what, long.MaxValue);
        Position += length;
    }

    /// <summary>Makes an error that names the file and the place.</summary>
    public InvalidDataException Bad(string problem) => new($"GGUF file '{path}', byte {Position}: {problem}.");

    /// <summary>Checks that so many items of so many bytes can follow.</summary>
    public void Expect(ulong count, ulong bytesEach, string what)
    {
        if ((UInt128)count * bytesEach > (ulong)(Length - Position))
        {
            throw Bad($"{what} has {count} entries, which takes {(UInt128)count * bytesEach} bytes; {Length - Position} are left");
        }
    }

    private long TextLength(string what, long maxBytes)
    {
        ulong length = U64();
        return length <= (ulong)(Length - Position) && length <= (ulong)maxBytes
            ? (long)length
            : throw Bad($"{what} is said to be {length} bytes long; {Math.Min(Length - Position, maxBytes)} are possible");
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (Position < _bufferStart || Position + count > _bufferStart + _bufferCount)
        {
            if (count > Length - Position)
            {
                throw Bad($"the file ends; {count} more bytes were expected");
            }

            (_bufferStart, _bufferCount) = (Position, (int)Math.Min(_buffer.Length, Length - Position));
            Fill(_buffer.AsSpan(0, _bufferCount), Position);
        }

        var taken = _buffer.AsSpan((int)(Position - _bufferStart), count);
        Position += count;
        return taken;
    }

    private void Fill(Span<byte> target, long offset)
    {
        for (int done = 0; done < target.Length;)
        {
            int read = RandomAccess.Read(handle, target[done..], offset + done);
            done += read > 0 ? read : throw Bad("the file ends while it is read");
        }
    }
}

using System.IO.Compression;

namespace MiniOneRec.Datasets;

/// <summary>Unpacks a <c>.gz</c> file, and names the file when it is cut off, damaged, or unpacks to too much.</summary>
/// <remarks>
/// The framework ends in silence where a file was cut off. Therefore a last member with a known text is read after the file's own bytes.
/// What comes out from then on must be that text and nothing else; otherwise the file is not whole.
/// </remarks>
internal sealed class UnpackedStream : Stream
{
    private static readonly byte[] Mark = "MiniOneRec: end."u8.ToArray();
    private static readonly byte[] PackedMark = Pack(Mark);

    private readonly string _path;
    private readonly ReadLimits _limits;
    private readonly FollowedStream _packed;
    private readonly GZipStream _unpacked;
    private readonly long _packedBytes;
    private int _marked;
    private long _count;

    public UnpackedStream(string path, FileStream packed, ReadLimits limits)
    {
        (_path, _limits, _packedBytes) = (path, limits, packed.Length);
        _packed = new FollowedStream(packed, PackedMark);
        _unpacked = new GZipStream(_packed, CompressionMode.Decompress);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int given;
        do
        {
            int read;
            try
            {
                read = _unpacked.Read(buffer);
            }
            catch (InvalidDataException e)
            {
                throw Damaged(e.Message, e);
            }

            given = Take(buffer[..read], buffer.Length);
        }
        while (given < 0);
        return given;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int given;
        do
        {
            int read;
            try
            {
                read = await _unpacked.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            }
            catch (InvalidDataException e)
            {
                throw Damaged(e.Message, e);
            }

            given = Take(buffer.Span[..read], buffer.Length);
        }
        while (given < 0);
        return given;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _unpacked.Dispose();
        }

        base.Dispose(disposing);
    }

    private static byte[] Pack(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var packing = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
        {
            packing.Write(bytes);
        }

        return packed.ToArray();
    }

    /// <summary>Checks what came out and returns how many bytes of it are the file's, 0 at its end, −1 where the reading has to go
    /// on.</summary>
    private int Take(ReadOnlySpan<byte> bytes, int wanted)
    {
        if (bytes.IsEmpty)
        {
            return wanted == 0 || _marked == Mark.Length ? 0 : throw Damaged("it is cut off, or something else follows the packed data.");
        }

        if (_packed.IsPastFirst)
        {
            if (!Mark.AsSpan(_marked).StartsWith(bytes))
            {
                throw Damaged("it is cut off.");
            }

            _marked += bytes.Length;
            return -1;
        }

        _count += bytes.Length;
        if (_count > _limits.MaxUnpackedBytes)
        {
            throw TooLarge($"unpacks to more than {_limits.MaxUnpackedBytes} bytes", nameof(ReadLimits.MaxUnpackedBytes));
        }

        return _count <= ReadLimits.FreeBytes || _count / _limits.MaxExpansion <= _packedBytes ? bytes.Length
            : throw TooLarge($"has {_packedBytes} bytes and unpacks to more than {_limits.MaxExpansion} times as many",
                nameof(ReadLimits.MaxExpansion));
    }

    private InvalidDataException TooLarge(string what, string option) =>
        new($"File '{_path}' {what}; raise {nameof(ReadLimits)}.{option} if the file is to be trusted.");

    private InvalidDataException Damaged(string why, Exception? inner = null) =>
        new($"File '{_path}' is no whole gzip file, after {_count} unpacked bytes: {why}", inner);

    /// <summary>A stream with bytes behind its end.</summary>
    private sealed class FollowedStream(Stream first, byte[] then) : Stream
    {
        private int _given;

        public bool IsPastFirst => _given > 0;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer) => first.Read(buffer) is > 0 and var read ? read : Then(buffer);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            await first.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and var read ? read : Then(buffer.Span);

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                first.Dispose();
            }

            base.Dispose(disposing);
        }

        private int Then(Span<byte> buffer)
        {
            int count = Math.Min(buffer.Length, then.Length - _given);
            then.AsSpan(_given, count).CopyTo(buffer);
            _given += count;
            return count;
        }
    }
}

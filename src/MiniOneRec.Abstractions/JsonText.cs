using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace MiniOneRec;

/// <summary>Replaces broken characters in JSON text, so that one damaged title does not end the reading of a file.</summary>
/// <remarks>
/// Half a surrogate pair (<c>\ud83d</c> without its second half), <c>\u0000</c> and bytes that are no UTF-8 become U+FFFD. JSON that is
/// whole passes unchanged, and errors of syntax stay errors for the parser. Keys are repaired like values: two that become equal are a
/// duplicate, which readers refuse.
/// </remarks>
public static class JsonText
{
    private const int PairLength = 12, EscapeLength = 6;
    private static readonly SearchValues<byte> Plain =
        SearchValues.Create([.. Enumerable.Range(0, 128).Where(value => value != '\\').Select(value => (byte)value)]);

    /// <summary>Repairs a whole text.</summary>
    /// <param name="utf8">The JSON text in UTF-8.</param>
    /// <returns>The same memory where nothing is broken, else a repaired copy.</returns>
    public static ReadOnlyMemory<byte> Repair(ReadOnlyMemory<byte> utf8)
    {
        if (utf8.Span.IndexOf("\\u"u8) < 0 && Utf8.IsValid(utf8.Span))
        {
            return utf8;
        }

        var repaired = new ArrayBufferWriter<byte>(utf8.Length + 16);
        Append(utf8.Span, isFinal: true, repaired);
        return repaired.WrittenMemory;
    }

    /// <summary>Repairs a text while it is read.</summary>
    /// <param name="utf8">The JSON text in UTF-8; it is closed with the result.</param>
    public static Stream Repair(Stream utf8)
    {
        ArgumentNullException.ThrowIfNull(utf8);
        return new RepairedStream(utf8);
    }

    /// <summary>Appends what is complete and returns how many bytes of the text that was.</summary>
    internal static int Append(ReadOnlySpan<byte> text, bool isFinal, ArrayBufferWriter<byte> repaired)
    {
        int at = 0;
        while (at < text.Length)
        {
            var rest = text[at..];
            int plain = rest.IndexOfAnyExcept(Plain) is >= 0 and var end ? end : rest.Length;
            repaired.Write(rest[..plain]);
            at += plain;
            rest = rest[plain..];
            if (rest.IsEmpty)
            {
                break;
            }

            int taken = rest[0] == '\\' ? AppendEscape(rest, isFinal, repaired) : AppendCharacters(rest, isFinal, repaired);
            if (taken == 0)
            {
                break;              // the rest of the character is still to come
            }

            at += taken;
        }

        return at;
    }

    private static int AppendEscape(ReadOnlySpan<byte> text, bool isFinal, ArrayBufferWriter<byte> repaired)
    {
        if (text.Length < EscapeLength && !isFinal && (text.Length == 1 || text[1] == 'u'))
        {
            return 0;
        }

        int length = 1;                                             // the backslash alone, where no escape follows
        if (Unit(text) is { } unit)
        {
            length = EscapeLength;
            if (char.IsHighSurrogate(unit))
            {
                if (text.Length < PairLength && !isFinal && (text.Length == EscapeLength || text[EscapeLength] == '\\'))
                {
                    return 0;
                }

                length = Unit(text[EscapeLength..]) is { } second && char.IsLowSurrogate(second) ? PairLength : EscapeLength;
            }

            if (length == EscapeLength && (unit == 0 || char.IsSurrogate(unit)))
            {
                repaired.Write("\\ufffd"u8);
                return EscapeLength;
            }
        }
        else if (text.Length > 1 && text[1] < 0x80)
        {
            length = 2;                                             // so that the second of two backslashes begins nothing
        }

        repaired.Write(text[..length]);
        return length;
    }

    private static int AppendCharacters(ReadOnlySpan<byte> text, bool isFinal, ArrayBufferWriter<byte> repaired)
    {
        int end = text.IndexOf((byte)'\\');
        var run = end < 0 ? text : text[..end];
        if (Utf8.IsValid(run))
        {
            repaired.Write(run);
            return run.Length;
        }

        int at = 0;
        while (at < run.Length)
        {
            var status = Rune.DecodeFromUtf8(run[at..], out _, out int length);
            if (status == OperationStatus.NeedMoreData && end < 0 && !isFinal)
            {
                break;
            }

            repaired.Write(status == OperationStatus.Done ? run.Slice(at, length) : "\uFFFD"u8);
            at += length;
        }

        return at;
    }

    /// <summary>The UTF-16 unit of an escape <c>\uXXXX</c>, or <see langword="null"/> where the text begins with none.</summary>
    private static char? Unit(ReadOnlySpan<byte> text) =>
        text.Length >= EscapeLength && text[0] == '\\' && text[1] == 'u'
            && ushort.TryParse(text.Slice(2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit)
                ? (char)unit : null;

    private sealed class RepairedStream(Stream source) : Stream
    {
        private readonly ArrayBufferWriter<byte> _repaired = new();
        private readonly byte[] _text = new byte[1 << 14];
        private int _filled, _given;
        private bool _ended;

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
            while (buffer.Length > 0 && _given == _repaired.WrittenCount && !_ended)
            {
                Take(source.Read(_text.AsSpan(_filled)));
            }

            return Give(buffer);
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (buffer.Length > 0 && _given == _repaired.WrittenCount && !_ended)
            {
                Take(await source.ReadAsync(_text.AsMemory(_filled), cancellationToken).ConfigureAwait(false));
            }

            return Give(buffer.Span);
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override async ValueTask DisposeAsync()
        {
            await source.DisposeAsync().ConfigureAwait(false);
            await base.DisposeAsync().ConfigureAwait(false);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                source.Dispose();
            }

            base.Dispose(disposing);
        }

        private void Take(int read)
        {
            _ended = read == 0;
            _filled += read;
            _repaired.ResetWrittenCount();
            _given = 0;
            int taken = Append(_text.AsSpan(0, _filled), _ended, _repaired);
            _text.AsSpan(taken, _filled - taken).CopyTo(_text);
            _filled -= taken;
        }

        private int Give(Span<byte> buffer)
        {
            int count = Math.Min(buffer.Length, _repaired.WrittenCount - _given);
            _repaired.WrittenSpan.Slice(_given, count).CopyTo(buffer);
            _given += count;
            return count;
        }
    }
}

using System.Buffers.Binary;
using System.Text;

namespace MiniOneRec.Studies;

/// <summary>Damages files: bytes, numbers, lengths, strings, structure. The same seed damages alike.</summary>
internal sealed class Mutator(Random random)
{
    private static readonly ulong[] Numbers =
    [
        0, 1, 2, 7, 8, 127, 128, 255, 256, 65_535, 65_536, int.MaxValue, 1UL << 31, uint.MaxValue, 1UL << 32, 1UL << 40, 1UL << 53,
            long.MaxValue, 1UL << 63,
        ulong.MaxValue - 7, ulong.MaxValue,
    ];

    private static readonly string[] Words =
    [
        "0", "-1", "-0", "1", "2", "255", "65536", "2147483647", "2147483648", "-2147483649", "4294967296", "9007199254740993",
            "9223372036854775807",
        "9223372036854775808", "-9223372036854775809", "18446744073709551616", "1e400", "-1e400", "1e-400", "0.5", "1.0", "1E5", "NaN",
            "null", "true", "false",
        "\"\"", "\"a\"", "\"\\ud800\"", "\"\\u0000\"", "\"../../etc/passwd\"", "\"/etc/passwd\"", "\"a\\\\b\"", "{}", "[]", "[[]]",
            "{\"a\":1,\"a\":2}", "\"F4\"",
        "\"BF16\"", "[0]", "[1,2,3]", "[-1,0]",
    ];

    private static readonly string[] Pieces =
    [
        "\"", "\\", "\\u", "\\ud800", "\uFEFF", "{", "}", "[", "]", ",", ":", "//", "/*", "\0", "../", "..\\", "\u0001", "é", "😀", "<a_0>",
            "<z_99999999999>", "(?<", "(a+)+$", "[^",
    ];

    /// <summary>Makes a damaged copy.</summary>
    /// <param name="original">The bytes.</param>
    /// <param name="text">Whether the bytes are text, so that tokens of JSON are worth replacing.</param>
    public byte[] Mutate(ReadOnlySpan<byte> original, bool text)
    {
        var bytes = new List<byte>(original.Length + 64);
        bytes.AddRange(original);
        int times = 1 + (random.Next(3) == 0 ? random.Next(4) : 0);
        for (int i = 0; i < times && bytes.Count > 0; i++)
        {
            if (text && random.Next(2) == 0)
            {
                DamageText(bytes);
            }
            else
            {
                DamageBytes(bytes);
            }
        }

        return [.. bytes];
    }

    private void DamageBytes(List<byte> bytes)
    {
        int at = random.Next(bytes.Count);
        switch (random.Next(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                Span<byte> number = stackalloc byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(number,
                    random.Next(3) == 0 ? (ulong)bytes.Count : Numbers[random.Next(Numbers.Length)]);
                int width = 1 << random.Next(4);
                for (int i = 0; i < width && at + i < bytes.Count; i++)
                {
                    bytes[at + i] = number[i];
                }

                break;
            case 3:
                bytes.RemoveRange(at, Math.Min(Length(), bytes.Count - at));
                break;
            case 4:
                bytes.InsertRange(at, Enumerable.Range(0, Length()).Select(_ => (byte)random.Next(256)).ToArray());
                break;
            case 5:
                bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, Math.Min(Length(), bytes.Count - at)));
                break;
            case 6:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 7:
                int from = random.Next(bytes.Count);
                for (int i = 0, length = Length(); i < length && at + i < bytes.Count && from + i < bytes.Count; i++)
                {
                    (bytes[at + i], bytes[from + i]) = (bytes[from + i], bytes[at + i]);
                }

                break;
            default:
                bytes[at] = (byte)(bytes[at] + (random.Next(2) == 0 ? 1 : 255));
                break;
        }
    }

    private void DamageText(List<byte> bytes)
    {
        int at = random.Next(bytes.Count);
        switch (random.Next(6))
        {
            case 0:
                bytes.InsertRange(at, Encoding.UTF8.GetBytes(Pieces[random.Next(Pieces.Length)]));
                break;
            case 1:
                string deep = new(random.Next(2) == 0 ? '[' : '{', 1 << random.Next(15));
                bytes.InsertRange(at, Encoding.ASCII.GetBytes(deep));
                break;
            case 2:
                // A member once more: from one comma to the next.
                int comma = bytes.IndexOf((byte)',', at), next = comma < 0 ? -1 : bytes.IndexOf((byte)',', comma + 1);
                if (next > 0 && next - comma < 4_096)
                {
                    bytes.InsertRange(next, bytes.GetRange(comma, next - comma));
                }

                break;
            default:
                // What stands after a colon, comma or bracket, up to the next one.
                int start = at;
                while (start < bytes.Count && !":,[".Contains((char)bytes[start], StringComparison.Ordinal))
                {
                    start++;
                }

                int end = ++start;
                while (end < bytes.Count && !",]}".Contains((char)bytes[end], StringComparison.Ordinal))
                {
                    end++;
                }

                if (start < bytes.Count)
                {
                    bytes.RemoveRange(start, end - start);
                    bytes.InsertRange(start, Encoding.UTF8.GetBytes(Words[random.Next(Words.Length)]));
                }

                break;
        }
    }

    private int Length() => 1 + random.Next(1 << random.Next(9));
}

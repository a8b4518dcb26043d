using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>The letters that stand for bytes in byte-level vocabularies: printable bytes for themselves, the rest from U+0100 on.</summary>
/// <remarks>Radford et al. (GPT-2), section 2.2.</remarks>
internal static class ByteAlphabet
{
    private static readonly char[] Letters = MakeLetters();
    private static readonly Dictionary<char,
        byte> Bytes = Letters.Select((c, i) => (c, i)).ToDictionary(pair => pair.c, pair => (byte)pair.i);

    /// <summary>Gets the letter of a byte.</summary>
    public static char LetterOf(byte value) => Letters[value];

    /// <summary>Gets the byte of a letter.</summary>
    public static byte ByteOf(char letter) => Bytes[letter];

    /// <summary>Spells text in letters.</summary>
    public static string Spell(ReadOnlySpan<char> text)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        int count = Encoding.UTF8.GetBytes(text, bytes);
        return string.Create(count, bytes, static (letters, source) =>
        {
            for (int i = 0; i < letters.Length; i++)
            {
                letters[i] = Letters[source[i]];
            }
        });
    }

    /// <summary>Gets the bytes that a token stands for; a token with any other character stands for its own UTF-8.</summary>
    public static byte[] BytesOf(string token)
    {
        byte[] bytes = new byte[token.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            if (!Bytes.TryGetValue(token[i], out bytes[i]))
            {
                return Encoding.UTF8.GetBytes(token);
            }
        }

        return bytes;
    }

    private static char[] MakeLetters()
    {
        var letters = new char[256];
        int next = 256;
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            letters[value] = (char)(printable ? value : next++);
        }

        return letters;
    }
}

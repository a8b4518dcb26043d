using System.Globalization;
using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>Reads the escapes of a text in quotes as Python does.</summary>
internal static class JinjaEscapes
{
    /// <summary>Gets the value of a text between quotes.</summary>
    /// <param name="source">The template.</param>
    /// <param name="start">The offset behind the opening quote.</param>
    /// <param name="end">The offset of the closing quote.</param>
    /// <exception cref="InvalidDataException">An escape is cut short, is half a surrogate pair, or names a character.</exception>
    public static string Read(JinjaSource source, int start, int end)
    {
        string text = source.Text;
        if (text.IndexOf('\\', start, end - start) < 0)
        {
            return text[start..end];
        }

        var value = new StringBuilder(end - start);
        for (int at = start; at < end; at++)
        {
            if (text[at] == '\\')
            {
                at = Escape(source, at, end, value);
            }
            else
            {
                value.Append(text[at]);
            }
        }

        return value.ToString();
    }

    // Returns the offset of the escape's last character.
    private static int Escape(JinjaSource source, int at, int end, StringBuilder value)
    {
        string text = source.Text;
        char kind = text[at + 1];
        switch (kind)
        {
            case '\n':
                return at + 1;
            case '\\' or '\'' or '"':
                value.Append(kind);
                return at + 1;
            case 'a' or 'b' or 'f' or 'n' or 'r' or 't' or 'v':
                value.Append(kind switch { 'a' => '\a', 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', _ => '\v' });
                return at + 1;
            case >= '0' and <= '7':
                int last = at + 1, octal = 0;
                for (; last <= at + 3 && last < end && text[last] is >= '0' and <= '7'; last++)
                {
                    octal = (octal * 8) + (text[last] - '0');
                }

                value.Append((char)octal);
                return last - 1;
            case 'x' or 'u' or 'U':
                int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;
                if (at + 2 + digits > end || !int.TryParse(text.AsSpan(at + 2, digits), NumberStyles.AllowHexSpecifier,
                    CultureInfo.InvariantCulture, out int code))
                {
                    throw source.Error(at, $"the escape '\\{kind}' needs {digits} hexadecimal digits");
                }

                value.Append(Rune.IsValid(code)
                    ? new Rune(code).ToString()
                    : throw source.Error(at, $"the escape '{text.AsSpan(at, 2 + digits)}' is no character of its own"));
                return at + 1 + digits;
            case 'N':
                throw source.Error(at, "the escape '\\N' is not supported; write \\uXXXX");
            case > '\x7F':
                // Jinja spells other characters as escapes first, so that the backslash before them escapes a backslash.
                _ = Rune.DecodeFromUtf16(text.AsSpan(at + 1), out var rune, out int units);
                value.Append(CultureInfo.InvariantCulture, $"\\{(rune.Value < 0x100 ? "x" : rune.Value < 0x10000 ? "u" : "U")}");
                value.Append(
                    rune.Value.ToString(rune.Value < 0x100 ? "x2" : rune.Value < 0x10000 ? "x4" : "x8", CultureInfo.InvariantCulture));
                return at + units;
            default:
                value.Append('\\').Append(kind);
                return at + 1;
        }
    }
}

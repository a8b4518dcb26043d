using System.Globalization;
using System.Text;

namespace MiniOneRec.Datasets;

/// <summary>Reads lists of strings and integers as Python prints them, for example <c>['a', "it's", 3]</c>.</summary>
/// <remarks>
/// A parser of literals, never an evaluator: names, calls, nested lists and unknown escapes are errors. Both quote styles are
/// read, with the escapes <c>\\ \' \" \n \t \r \xNN \uNNNN \UNNNNNNNN</c>. Half a surrogate pair and NUL stay as they are; callers replace
/// them.
/// </remarks>
internal ref partial struct PythonLiteral
{
    private readonly ReadOnlySpan<char> _text;
    private readonly string _kind;
    private int _at;

    private PythonLiteral(ReadOnlySpan<char> text, string kind = "list")
    {
        _text = text;
        _kind = kind;
    }

    /// <summary>Reads a list.</summary>
    /// <param name="text">The cell.</param>
    /// <returns>Strings unquoted, integers as their digits.</returns>
    /// <exception cref="FormatException">The text is no list of literals; the message names the character position, one-based.</exception>
    public static List<string> ParseList(ReadOnlySpan<char> text) => new PythonLiteral(text).ReadList();

    private List<string> ReadList()
    {
        List<string> items = [];
        SkipSpace();
        Take('[', "'[' at the start of a list");
        SkipSpace();
        while (Peek() != ']')
        {
            items.Add(Peek() is '\'' or '"' ? ReadString() : ReadInteger());
            SkipSpace();
            if (Peek() == ',')
            {
                _at++;
                SkipSpace();
            }
            else if (Peek() != ']')
            {
                throw Unexpected("',' or ']'");
            }
        }

        _at++;
        SkipSpace();
        return _at == _text.Length ? items : throw Unexpected("nothing after ']'");
    }

    private string ReadString()
    {
        char quote = _text[_at++];
        var value = new StringBuilder();
        while (true)
        {
            char c = Peek();
            if (_at == _text.Length || c is '\n' or '\r')
            {
                throw Unexpected($"the closing {quote} of a string");
            }

            _at++;
            if (c == quote)
            {
                return value.ToString();
            }

            value.Append(c == '\\' ? ReadEscape() : c.ToString());
        }
    }

    private string ReadEscape()
    {
        char kind = Peek();
        switch (kind)
        {
            case '\\' or '\'' or '"':
                _at++;
                return kind.ToString();
            case 'n':
                _at++;
                return "\n";
            case 't':
                _at++;
                return "\t";
            case 'r':
                _at++;
                return "\r";
            case 'x' or 'u' or 'U':
                _at++;
                return ReadCodePoint(kind == 'x' ? 2 : kind == 'u' ? 4 : 8);
            default:
                throw Unexpected(@"one of the escapes \\ \' \"" \n \t \r \xNN \uNNNN \UNNNNNNNN");
        }
    }

    private string ReadCodePoint(int digits)
    {
        if (_at + digits > _text.Length
            || !int.TryParse(_text.Slice(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            || (uint)code > 0x10FFFF)
        {
            throw Unexpected($"{digits} hexadecimal digits of a character");
        }

        _at += digits;
        return code > 0xFFFF ? char.ConvertFromUtf32(code) : ((char)code).ToString();
    }

    private string ReadInteger()
    {
        int start = _at;
        if (Peek() == '-')
        {
            _at++;
        }

        int digits = _at;
        while (char.IsAsciiDigit(Peek()))
        {
            _at++;
        }

        return _at > digits ? _text[start.._at].ToString() : throw Unexpected("a quoted string, an integer or ']'");
    }

    private readonly char Peek() => _at < _text.Length ? _text[_at] : '\0';

    private void Take(char wanted, string expected)
    {
        if (Peek() != wanted)
        {
            throw Unexpected(expected);
        }

        _at++;
    }

    private void SkipSpace()
    {
        while (char.IsWhiteSpace(Peek()))
        {
            _at++;
        }
    }

    private readonly FormatException Unexpected(string expected) =>
        new($"no {_kind} literal at character {_at + 1} ({(_at < _text.Length ? $"'{_text[_at]}'" : "the end")}); expected {expected}");
}

namespace MiniOneRec.Pretrained;

/// <summary>Cuts what stands between brackets into names, numbers, texts and signs.</summary>
internal sealed class JinjaWords(JinjaSource source, List<JinjaToken> tokens, int start)
{
    private static readonly string[] Signs =
    [
        "==", "!=", "<=", ">=", "//", "**", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "~", "+", "-", "*", "/", "%", "<", ">", "=",
            ";",
    ];

    private readonly string _text = source.Text;
    private readonly Stack<char> _open = new();

    /// <summary>Gets or sets the offset of the next word.</summary>
    public int At { get; set; } = start;

    /// <summary>Gets whether no inner bracket is open.</summary>
    public bool IsBalanced => _open.Count == 0;

    /// <summary>Takes the next word; white space before it was skipped.</summary>
    public void Take()
    {
        int begin = At;
        char c = _text[begin];
        if (c is '"' or '\'')
        {
            int end = EndOfText(begin);
            tokens.Add(new JinjaToken(JinjaTokenKind.String, JinjaEscapes.Read(source, begin + 1, end), begin));
            At = end + 1;
        }
        else if (char.IsLetter(c) || c == '_')
        {
            while (At < _text.Length && (char.IsLetterOrDigit(_text[At]) || _text[At] == '_'))
            {
                At++;
            }

            tokens.Add(new JinjaToken(JinjaTokenKind.Name, _text[begin..At], begin));
        }
        else if (char.IsAsciiDigit(c))
        {
            var kind = Number(begin);
            tokens.Add(new JinjaToken(kind, _text[begin..At].Replace("_", "", StringComparison.Ordinal), begin));
        }
        else
        {
            string sign = Signs.FirstOrDefault(sign => string.CompareOrdinal(_text, begin, sign, 0, sign.Length) == 0)
                ?? throw source.Error(begin, $"'{c}' has no meaning in an expression");
            Balance(sign, begin);
            tokens.Add(new JinjaToken(JinjaTokenKind.Operator, sign, begin));
            At += sign.Length;
        }
    }

    private void Balance(string sign, int position)
    {
        switch (sign)
        {
            case "(":
                _open.Push(')');
                break;
            case "[":
                _open.Push(']');
                break;
            case "{":
                _open.Push('}');
                break;
            case ")" or "]" or "}" when !_open.TryPop(out char expected) || expected != sign[0]:
                throw source.Error(position,
                    expected == '\0' ? $"'{sign}' closes nothing" : $"'{sign}' was not expected; expected '{expected}'");
        }
    }

    private int EndOfText(int begin)
    {
        for (int i = begin + 1; i < _text.Length; i++)
        {
            if (_text[i] == '\\')
            {
                i++;
            }
            else if (_text[i] == _text[begin])
            {
                return i;
            }
        }

        throw source.Error(begin, "a text in quotes is never closed");
    }

    private JinjaTokenKind Number(int begin)
    {
        bool afterPoint = begin > 0 && _text[begin - 1] == '.';
        int digits = Digits(begin), end = digits;
        if (!afterPoint)
        {
            end = end + 1 < _text.Length && _text[end] == '.' && char.IsAsciiDigit(_text[end + 1]) ? Digits(end + 1) : end;
            int exponent = end < _text.Length && _text[end] is 'e' or 'E' ? end + 1 : end;
            exponent += exponent > end && exponent < _text.Length && _text[exponent] is '+' or '-' ? 1 : 0;
            end = exponent > end && exponent < _text.Length && char.IsAsciiDigit(_text[exponent]) ? Digits(exponent) : end;
        }

        bool isFloat = end > digits;
        if (!isFloat && _text[begin] == '0')
        {
            end = begin + 1 < _text.Length && _text[begin + 1] is 'x' or 'X' or 'b' or 'B' or 'o' or 'O' ? Based(begin) : end;
            digits = end == digits && _text.AsSpan(begin, end - begin).ContainsAnyExcept('0', '_') ? -1 : end;
        }

        if (digits < 0 || (end < _text.Length && (char.IsLetterOrDigit(_text[end]) || _text[end] == '_')))
        {
            throw source.Error(begin, "a number is malformed");
        }

        if (isFloat && end + 1 < _text.Length && _text[end] == '.' && char.IsAsciiDigit(_text[end + 1]))
        {
            throw source.Error(begin, "a number has two points");
        }

        At = end;
        return isFloat ? JinjaTokenKind.Float : JinjaTokenKind.Integer;
    }

    private int Digits(int at)
    {
        while (at < _text.Length
            && (char.IsAsciiDigit(_text[at]) || (_text[at] == '_' && at + 1 < _text.Length && char.IsAsciiDigit(_text[at + 1]))))
        {
            at++;
        }

        return at;
    }

    private int Based(int begin)
    {
        int at = begin + 2;
        bool isHex = _text[begin + 1] is 'x' or 'X';
        while (at < _text.Length && (isHex ? char.IsAsciiHexDigit(_text[at]) : char.IsAsciiDigit(_text[at])))
        {
            at++;
        }

        return at;
    }
}

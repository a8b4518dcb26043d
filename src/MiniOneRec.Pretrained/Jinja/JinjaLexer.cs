namespace MiniOneRec.Pretrained;

/// <summary>Cuts a template into tokens: white-space control, comments and raw blocks are resolved here.</summary>
/// <remarks>
/// <c>trim_blocks</c> drops one line break behind a block or comment; <c>lstrip_blocks</c> drops the blanks before one that begins its
/// line. A minus sign drops all white space on its side; a plus sign keeps what would be dropped.
/// </remarks>
internal sealed class JinjaLexer(JinjaSource source)
{
    private readonly string _text = source.Text;
    private readonly List<JinjaToken> _tokens = [];
    private int _at;
    private bool _lineStarting = true;

    /// <summary>Cuts the whole template.</summary>
    /// <exception cref="InvalidDataException">A bracket, text, comment or raw block is never closed, or a character has no
    /// meaning.</exception>
    public List<JinjaToken> Run()
    {
        while (_at < _text.Length)
        {
            int open = FindOpen(_at);
            if (open < 0)
            {
                AddText(_at, _text.Length);
                _at = _text.Length;
                break;
            }

            char kind = _text[open + 1];
            char sign = At(open + 2) is '-' or '+' ? At(open + 2) : '\0';
            int inner = open + (sign == '\0' ? 2 : 3);
            AddText(_at, TextEnd(open, sign, kind == '{'));
            if (kind == '#')
            {
                Comment(open, inner);
            }
            else if (kind == '%' && IsRawBegin(inner, out int body))
            {
                Raw(open, body);
            }
            else
            {
                Tag(open, inner, kind == '%');
            }
        }

        _tokens.Add(new JinjaToken(JinjaTokenKind.End, "", _text.Length));
        return _tokens;
    }

    private char At(int index) => index < _text.Length ? _text[index] : '\0';

    private bool Matches(int index, string word) => string.CompareOrdinal(_text, index, word, 0, word.Length) == 0;

    private int FindOpen(int from)
    {
        for (int i = _text.IndexOf('{', from); i >= 0 && i + 1 < _text.Length; i = _text.IndexOf('{', i + 1))
        {
            if (_text[i + 1] is '{' or '%' or '#')
            {
                return i;
            }
        }

        return -1;
    }

    // Where the text before a bracket ends, after white-space control.
    private int TextEnd(int open, char sign, bool isPrint)
    {
        int end = open;
        if (sign == '-')
        {
            while (end > _at && JinjaText.IsSpace(_text[end - 1]))
            {
                end--;
            }
        }
        else if (sign != '+' && !isPrint)
        {
            int lineStart = end > _at ? _text.LastIndexOf('\n', end - 1, end - _at) + 1 : 0;
            bool atLineStart = lineStart > 0 || _lineStarting;
            lineStart = lineStart > 0 ? lineStart : _at;
            int blank = end;
            while (blank > lineStart && JinjaText.IsSpace(_text[blank - 1]))
            {
                blank--;
            }

            end = atLineStart && blank == lineStart ? lineStart : end;
        }

        return end;
    }

    private void AddText(int start, int end)
    {
        if (end > start)
        {
            _tokens.Add(new JinjaToken(JinjaTokenKind.Text, _text[start..end], start));
        }
    }

    // Goes behind a closing bracket; what it swallows depends on the sign before it.
    private void Close(int end, char sign, bool trimsBreak)
    {
        if (sign == '-')
        {
            while (end < _text.Length && JinjaText.IsSpace(_text[end]))
            {
                end++;
            }
        }
        else if (sign != '+' && trimsBreak && At(end) == '\n')
        {
            end++;
        }

        _lineStarting = _text[end - 1] == '\n';
        _at = end;
    }

    private void Comment(int open, int inner)
    {
        int close = _text.IndexOf("#}", inner, StringComparison.Ordinal);
        if (close < 0)
        {
            throw source.Error(open, "'{#' is never closed; expected '#}'");
        }

        Close(close + 2, close > inner && _text[close - 1] is '-' or '+' ? _text[close - 1] : '\0', trimsBreak: true);
    }

    private bool IsRawBegin(int inner, out int body)
    {
        int at = SkipSpace(inner);
        body = at;
        if (!Matches(at, "raw"))
        {
            return false;
        }

        at = SkipSpace(at + 3);
        bool trims = At(at) == '-';
        at += trims ? 1 : 0;
        if (!Matches(at, "%}"))
        {
            return false;
        }

        Close(at + 2, trims ? '-' : '\0', trimsBreak: false);
        body = _at;
        return true;
    }

    private void Raw(int open, int body)
    {
        for (int at = _text.IndexOf("{%", body, StringComparison.Ordinal); at >= 0; at =
            _text.IndexOf("{%", at + 2, StringComparison.Ordinal))
        {
            char sign = At(at + 2) is '-' or '+' ? At(at + 2) : '\0';
            int word = SkipSpace(at + (sign == '\0' ? 2 : 3));
            if (!Matches(word, "endraw"))
            {
                continue;
            }

            int end = SkipSpace(word + 6);
            char closing = At(end) is '-' or '+' ? At(end) : '\0';
            end += closing == '\0' ? 0 : 1;
            if (Matches(end, "%}"))
            {
                AddText(body, TextEnd(at, sign, isPrint: false));
                Close(end + 2, closing, trimsBreak: true);
                return;
            }
        }

        throw source.Error(open, "'raw' is never closed; expected 'endraw'");
    }

    private int SkipSpace(int at)
    {
        while (at < _text.Length && JinjaText.IsSpace(_text[at]))
        {
            at++;
        }

        return at;
    }

    private void Tag(int open, int inner, bool isBlock)
    {
        string closing = isBlock ? "%}" : "}}";
        _tokens.Add(new JinjaToken(isBlock ? JinjaTokenKind.BlockBegin : JinjaTokenKind.PrintBegin, closing, open));
        var words = new JinjaWords(source, _tokens, inner);
        while (true)
        {
            int at = words.At = SkipSpace(words.At);
            if (at >= _text.Length)
            {
                throw source.Error(open, $"'{_text.AsSpan(open, 2)}' is never closed; expected '{closing}'");
            }

            char sign = _text[at] == '-' || (isBlock && _text[at] == '+') ? _text[at] : '\0';
            int end = at + (sign == '\0' ? 0 : 1);
            if (words.IsBalanced && Matches(end, closing))
            {
                _tokens.Add(new JinjaToken(isBlock ? JinjaTokenKind.BlockEnd : JinjaTokenKind.PrintEnd, closing, at));
                Close(end + 2, sign, trimsBreak: isBlock);
                return;
            }

            words.Take();
        }
    }
}

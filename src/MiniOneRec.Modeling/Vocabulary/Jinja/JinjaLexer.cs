namespace MiniOneRec.Modeling;

/// <summary>What a piece of a template is.</summary>
internal enum JinjaPieceKind
{
    Text,
    Expression,
    Statement,
}

/// <summary>A piece of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The text, or what stands between the brackets.</param>
/// <param name="Line">The line, from 1.</param>
internal readonly record struct JinjaPiece(JinjaPieceKind Kind, string Text, int Line);

/// <summary>A word of an expression: a name, a number, a text in quotes, or a sign.</summary>
/// <param name="Kind"><c>n</c>ame, <c>i</c>nteger, <c>f</c>loat, <c>s</c>tring, <c>o</c>perator, or <c>e</c>nd.</param>
/// <param name="Text">The word; of a string its value.</param>
internal readonly record struct JinjaToken(char Kind, string Text);

/// <summary>Cuts templates into pieces and pieces into words.</summary>
internal static class JinjaLexer
{
    private static readonly string[] Signs = ["==", "!=", "<=", ">=", "//", "**", "(", ")", "[", "]", "{", "}", ",", ":", ".", "|", "~", "+", "-", "*", "/", "%", "<", ">", "="];

    public static List<JinjaPiece> Split(string text)
    {
        var pieces = new List<JinjaPiece>();
        int at = 0, line = 1;
        bool trimNext = false, dropBreak = false;
        while (at < text.Length)
        {
            int open = FindOpen(text, at);
            string plain = text[at..open];
            int pieceLine = line + plain.AsSpan().Count('\n');
            line = pieceLine;
            plain = trimNext ? plain.TrimStart() : dropBreak && plain.StartsWith('\n') ? plain[1..] : plain;
            if (open == text.Length)
            {
                Add(pieces, plain, pieceLine);
                break;
            }

            char kind = text[open + 1];
            string closing = kind switch { '{' => "}}", '%' => "%}", _ => "#}" };
            int close = FindClose(text, open + 2, closing, kind == '#');
            if (close < 0)
            {
                throw new InvalidDataException($"Chat template, line {line}: '{text.AsSpan(open, 2)}' is never closed; expected '{closing}'.");
            }

            string inner = text[(open + 2)..close];
            line += inner.AsSpan().Count('\n');
            bool trimBefore = inner.StartsWith('-');
            plain = trimBefore ? plain.TrimEnd() : kind == '{' ? plain : DropIndentation(plain, open == 0 || at == 0);
            Add(pieces, plain, pieceLine);
            trimNext = inner.EndsWith('-');
            dropBreak = kind != '{';
            inner = inner.TrimStart('-', '+').TrimEnd('-').Trim();
            if (kind != '#')
            {
                pieces.Add(new JinjaPiece(kind == '{' ? JinjaPieceKind.Expression : JinjaPieceKind.Statement, inner, pieceLine));
            }

            at = close + 2;
        }

        return pieces;
    }

    public static List<JinjaToken> Words(string text, int line)
    {
        var words = new List<JinjaToken>();
        for (int at = 0; at < text.Length;)
        {
            char c = text[at];
            if (char.IsWhiteSpace(c))
            {
                at++;
            }
            else if (c is '"' or '\'')
            {
                words.Add(new JinjaToken('s', ReadString(text, ref at, line)));
            }
            else if (char.IsAsciiLetter(c) || c == '_')
            {
                int start = at;
                while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] == '_'))
                {
                    at++;
                }

                words.Add(new JinjaToken('n', text[start..at]));
            }
            else if (char.IsAsciiDigit(c))
            {
                int start = at;
                while (at < text.Length && (char.IsAsciiDigit(text[at]) || (text[at] == '.' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1]))))
                {
                    at++;
                }

                words.Add(new JinjaToken(text.AsSpan(start, at - start).Contains('.') ? 'f' : 'i', text[start..at]));
            }
            else if (Signs.FirstOrDefault(sign => text.AsSpan(at).StartsWith(sign)) is { } sign)
            {
                words.Add(new JinjaToken('o', sign));
                at += sign.Length;
            }
            else
            {
                throw new InvalidDataException($"Chat template, line {line}: '{c}' has no meaning in an expression.");
            }
        }

        words.Add(new JinjaToken('e', "the end"));
        return words;
    }

    private static int FindOpen(string text, int from)
    {
        for (int i = text.IndexOf('{', from); i >= 0 && i + 1 < text.Length; i = text.IndexOf('{', i + 1))
        {
            if (text[i + 1] is '{' or '%' or '#')
            {
                return i;
            }
        }

        return text.Length;
    }

    // Brackets inside quotes do not close.
    private static int FindClose(string text, int from, string closing, bool comment)
    {
        char quote = '\0';
        for (int i = from; i + 1 < text.Length; i++)
        {
            if (quote != '\0')
            {
                i += text[i] == '\\' ? 1 : 0;
                quote = i < text.Length && text[i] == quote && text[i - 1] != '\\' ? '\0' : quote;
            }
            else if (!comment && text[i] is '"' or '\'')
            {
                quote = text[i];
            }
            else if (text.AsSpan(i, 2).SequenceEqual(closing))
            {
                return i;
            }
        }

        return -1;
    }

    private static string DropIndentation(string plain, bool atStart)
    {
        int lineStart = plain.LastIndexOf('\n') + 1;
        return (lineStart > 0 || atStart) && string.IsNullOrWhiteSpace(plain[lineStart..]) ? plain[..lineStart] : plain;
    }

    private static string ReadString(string text, ref int at, int line)
    {
        char quote = text[at++];
        var value = new System.Text.StringBuilder();
        for (; at < text.Length && text[at] != quote; at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
            {
                at++;
                value.Append(text[at] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', var other => other });
            }
            else
            {
                value.Append(text[at]);
            }
        }

        if (at == text.Length)
        {
            throw new InvalidDataException($"Chat template, line {line}: a text in quotes is never closed.");
        }

        at++;
        return value.ToString();
    }

    private static void Add(List<JinjaPiece> pieces, string text, int line)
    {
        if (text.Length > 0)
        {
            pieces.Add(new JinjaPiece(JinjaPieceKind.Text, text, line));
        }
    }
}

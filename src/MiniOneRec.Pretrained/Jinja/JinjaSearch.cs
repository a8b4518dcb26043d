using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>Finds, counts, replaces and splits text as Python does.</summary>
internal static class JinjaSearch
{
    /// <summary>Counts the work of a search before it is done; the worst case is the product of the lengths.</summary>
    public static void Charge(JinjaRun run, string text, string part) => run.Work(text.Length + ((long)text.Length * part.Length / 4096));

    public static string Replace(JinjaRun run, string text, string old, string made, long count)
    {
        Charge(run, text, old);
        if (count == 0)
        {
            return text;
        }

        var result = new StringBuilder();
        int at = 0;
        if (old.Length == 0)
        {
            // An empty text stands before every character and at the end.
            for (; at <= text.Length && count != 0; count--)
            {
                run.Append(result, made);
                int next = at < text.Length && char.IsHighSurrogate(text[at]) ? at + 2 : at + 1;
                run.Append(result, at < text.Length ? text[at..next] : "");
                at = next;
            }
        }
        else
        {
            for (int found = text.IndexOf(old, StringComparison.Ordinal); found >= 0 && count != 0; count--)
            {
                run.Append(result, text[at..found]);
                run.Append(result, made);
                at = found + old.Length;
                found = text.IndexOf(old, at, StringComparison.Ordinal);
            }
        }

        run.Append(result, at < text.Length ? text[at..] : "");
        return run.Made(result.ToString());
    }

    public static long Count(JinjaRun run, string text, string part)
    {
        Charge(run, text, part);
        if (part.Length == 0)
        {
            return JinjaText.Length(text) + 1;
        }

        long count = 0;
        for (int at = text.IndexOf(part, StringComparison.Ordinal); at >= 0; at =
            text.IndexOf(part, at + part.Length, StringComparison.Ordinal))
        {
            count++;
        }

        return count;
    }

    /// <summary>Finds a part.</summary>
    /// <returns>The offset in code points, or −1.</returns>
    public static long Find(JinjaRun run, string text, string part, bool last)
    {
        Charge(run, text, part);
        int at = last ? (part.Length == 0 ? text.Length : text.LastIndexOf(part, StringComparison.Ordinal))
            : text.IndexOf(part, StringComparison.Ordinal);
        return at < 0 ? -1 : JinjaText.Length(text.AsSpan(0, at));
    }

    /// <summary>Splits at a separator, or at white space where it is <see langword="null"/>.</summary>
    public static List<object?> Split(JinjaRun run, string text, string? separator, long limit, bool fromEnd)
    {
        limit = limit < 0 ? long.MaxValue : limit;
        var parts = new List<object?>();
        if (separator is { Length: 0 })
        {
            throw run.Error("method 'split': the separator is empty");
        }

        Charge(run, text, separator ?? "");
        if (separator is null)
        {
            SplitAtSpace(run, text, limit, fromEnd, parts);
        }
        else if (fromEnd)
        {
            int end = text.Length;
            for (int at = end; parts.Count < limit && end > 0
                && (at = text.LastIndexOf(separator, end - 1, end, StringComparison.Ordinal)) >= 0; end = at)
            {
                Add(run, parts, text[(at + separator.Length)..end]);
            }

            Add(run, parts, text[..end]);
            parts.Reverse();
        }
        else
        {
            int start = 0;
            for (int at; parts.Count < limit && (at = text.IndexOf(separator, start, StringComparison.Ordinal)) >= 0; start = at
                + separator.Length)
            {
                Add(run, parts, text[start..at]);
            }

            Add(run, parts, text[start..]);
        }

        return parts;
    }

    /// <summary>Splits at line breaks.</summary>
    public static List<object?> Lines(JinjaRun run, string text, bool keepEnds)
    {
        var lines = new List<object?>();
        for (int start = 0; start < text.Length;)
        {
            int length = text.AsSpan(start).IndexOfAny(System.Buffers.SearchValues.Create("\n\r\v\f\u001c\u001d\u001e\u0085\u2028\u2029"));
            int end = length < 0 ? text.Length : start + length;
            int next = length < 0 ? end : end + (text.AsSpan(end).StartsWith("\r\n") ? 2 : 1);
            Add(run, lines, text[start..(keepEnds ? next : end)]);
            start = next;
        }

        return lines;
    }

    private static void SplitAtSpace(JinjaRun run, string text, long limit, bool fromEnd, List<object?> parts)
    {
        string rest = fromEnd ? JinjaText.TrimEnd(text) : JinjaText.TrimStart(text);
        int start = 0, end = rest.Length;
        while (start < end)
        {
            int at = fromEnd ? end : start;
            if (parts.Count >= limit)
            {
                Add(run, parts, fromEnd ? JinjaText.TrimEnd(rest[..end]) : rest[start..]);
                break;
            }

            while (fromEnd ? at > 0 && !JinjaText.IsSpace(rest[at - 1]) : at < end && !JinjaText.IsSpace(rest[at]))
            {
                at += fromEnd ? -1 : 1;
            }

            Add(run, parts, fromEnd ? rest[at..end] : rest[start..at]);
            while (fromEnd ? at > 0 && JinjaText.IsSpace(rest[at - 1]) : at < end && JinjaText.IsSpace(rest[at]))
            {
                at += fromEnd ? -1 : 1;
            }

            (start, end) = fromEnd ? (start, at) : (at, end);
        }

        if (fromEnd)
        {
            parts.Reverse();
        }
    }

    private static void Add(JinjaRun run, List<object?> parts, string part)
    {
        run.Charge(16);
        parts.Add(run.Made(part));
    }
}

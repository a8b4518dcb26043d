using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>The methods of text.</summary>
internal static class JinjaTextMethods
{
    public static JinjaTable Table { get; } = new("method")
    {
        { "strip", "chars?", (run, value, a) => Strip(run, value, a, start: true, end: true) },
        { "lstrip", "chars?", (run, value, a) => Strip(run, value, a, start: true, end: false) },
        { "rstrip", "chars?", (run, value, a) => Strip(run, value, a, start: false, end: true) },
        { "split", "sep? maxsplit?",
        (run, value, a) => JinjaSearch.Split(run, (string)value!, a.HasValue(0) ? a.Text(0) : null, a.Integer(1, -1), fromEnd: false) },
        { "rsplit", "sep? maxsplit?",
        (run, value, a) => JinjaSearch.Split(run, (string)value!, a.HasValue(0) ? a.Text(0) : null, a.Integer(1, -1), fromEnd: true) },
        { "splitlines", "keepends?", (run, value, a) => JinjaSearch.Lines(run, (string)value!, a.Flag(0)) },
        { "partition", "sep", (run, value, a) => Partition(run, (string)value!, a.Text(0), last: false) },
        { "rpartition", "sep", (run, value, a) => Partition(run, (string)value!, a.Text(0), last: true) },
        { "startswith", "prefix start? end?",
        (run, value, a) => Begins(run, (string)value!, a, (text, part) => text.StartsWith(part, StringComparison.Ordinal)) },
        { "endswith", "suffix start? end?",
        (run, value, a) => Begins(run, (string)value!, a, (text, part) => text.EndsWith(part, StringComparison.Ordinal)) },
        { "removeprefix", "prefix", (run, value, a) => value is string text && text.StartsWith(a.Text(0), StringComparison.Ordinal)
        ? run.Made(text[a.Text(0).Length..]) : value },
        { "removesuffix", "suffix", (run, value, a) => value is string text && text.EndsWith(a.Text(0), StringComparison.Ordinal)
        ? run.Made(text[..^a.Text(0).Length]) : value },
        { "replace", "old new count?",
        (run, value, a) => JinjaSearch.Replace(run, (string)value!, a.Text(0), a.Text(1), a.Integer(2, -1)) },
        { "find", "sub start? end?", (run, value, a) => Find(run, (string)value!, a, last: false) },
        { "rfind", "sub start? end?", (run, value, a) => Find(run, (string)value!, a, last: true) },
        { "index", "sub start? end?", (run, value, a) => Find(run, (string)value!, a, last: false) is >= 0 and var at ? at
        : throw run.Error("method 'index': the text is not found") },
        { "rindex", "sub start? end?", (run, value, a) => Find(run, (string)value!, a, last: true) is >= 0 and var at ? at
        : throw run.Error("method 'rindex': the text is not found") },
        { "count", "sub start? end?",
        (run, value, a) => Within(run, (string)value!, a, 1, out _) is { } text ? JinjaSearch.Count(run, text, a.Text(0)) : 0L },
        { "upper", "", (run, value, _) => JinjaCase.Upper(run, (string)value!) },
        { "lower", "", (run, value, _) => JinjaCase.Lower(run, (string)value!) },
        { "title", "", (run, value, _) => JinjaCase.Title(run, (string)value!) },
        { "capitalize", "", (run, value, _) => JinjaCase.Capitalize(run, (string)value!) },
        { "swapcase", "", (run, value, _) => JinjaCase.Swap(run, (string)value!) },
        { "join", "iterable", (run, value, a) => Join(run, (string)value!, a[0]) },
        { "zfill", "width", (run, value, a) => Fill(run, (string)value!, a.Integer(0, 0)) },
        { "ljust", "width fillchar?", (run, value, a) => Pad(run, (string)value!, a.Integer(0, 0), a.Text(1, " "), left: 0) },
        { "rjust", "width fillchar?", (run, value, a) => Pad(run, (string)value!, a.Integer(0, 0), a.Text(1, " "), left: 2) },
        { "center", "width fillchar?", (run, value, a) => Pad(run, (string)value!, a.Integer(0, 0), a.Text(1, " "), left: 1) },
        { "format", "*", (run, value, a) => JinjaFormat.Braces(run, (string)value!, a.Raw) },
        { "isdigit isdecimal isnumeric", "", (run, value, _) => All(run, value, Rune.IsDigit) },
        { "isalpha", "", (run, value, _) => All(run, value, Rune.IsLetter) },
        { "isalnum", "", (run, value, _) => All(run, value, rune => Rune.IsLetterOrDigit(rune) || Rune.IsNumber(rune)) },
        { "isspace", "", (run, value, _) => All(run, value, rune => rune.IsBmp && JinjaText.IsSpace((char)rune.Value)) },
        { "isascii", "", (run, value, _) => value is string { Length: 0 } || All(run, value, rune => rune.IsAscii) },
        { "isupper", "", (run, value, _) => IsCase(run, value, Rune.IsLower) },
        { "islower", "", (run, value, _) => IsCase(run, value, Rune.IsUpper) },
    };

    /// <summary>Drops characters at the ends: white space, or those of a set.</summary>
    public static string Strip(JinjaRun run, string text, string? set, bool start, bool end)
    {
        run.Work(text.Length);
        if (set is null)
        {
            return run.Made(start && end ? JinjaText.Trim(text) : start ? JinjaText.TrimStart(text) : JinjaText.TrimEnd(text));
        }

        var runes = set.EnumerateRunes().ToHashSet();
        int from = 0, to = text.Length;
        while (start && from < to && Rune.GetRuneAt(text, from) is var rune && runes.Contains(rune))
        {
            from += rune.Utf16SequenceLength;
        }

        while (end && from < to && Rune.DecodeLastFromUtf16(text.AsSpan(from, to - from), out var rune,
            out int units) == System.Buffers.OperationStatus.Done && runes.Contains(rune))
        {
            to -= units;
        }

        return run.Made(text[from..to]);
    }

    public static string Pad(JinjaRun run, string text, long width, string fill, int left)
    {
        if (JinjaText.Length(fill) != 1)
        {
            throw run.Error("the fill character is not one character");
        }

        width = Math.Clamp(width, 0, JinjaRun.Widest);
        long missing = width - JinjaText.Length(text);
        if (missing <= 0)
        {
            return text;
        }

        run.Charge(4 * width * fill.Length);
        int before = (int)(left switch { 0 => 0, 2 => missing, _ => (missing / 2) + (missing & width & 1) });
        return string.Concat(Repeat(fill, before), text, Repeat(fill, (int)missing - before));
    }

    private static string Repeat(string fill, int count) => fill.Length == 1 ? new string(fill[0], count)
        : string.Concat(Enumerable.Repeat(fill, count));

    private static string Strip(JinjaRun run, object? value, JinjaBound arguments, bool start, bool end) =>
        Strip(run, (string)value!, arguments.HasValue(0) ? arguments.Text(0) : null, start, end);

    private static JinjaTuple Partition(JinjaRun run, string text, string separator, bool last)
    {
        JinjaSearch.Charge(run, text, separator);
        if (separator.Length == 0)
        {
            throw run.Error("method 'partition': the separator is empty");
        }

        int at = last ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        return at < 0 ? new JinjaTuple(last ? ["", "", text] : [text, "", ""])
            : new JinjaTuple([run.Made(text[..at]), separator, run.Made(text[(at + separator.Length)..])]);
    }

    private static object Begins(JinjaRun run, string text, JinjaBound arguments, Func<string, string, bool> test)
    {
        string? part = Within(run, text, arguments, 1, out _);
        object?[] candidates = arguments[0] is JinjaTuple tuple ? tuple.Items : [arguments.Text(0)];
        return part is not null
            && candidates.Any(candidate => test(part, candidate as string ?? throw arguments.Wrong(0, "a text or a tuple of texts")));
    }

    private static long Find(JinjaRun run, string text, JinjaBound arguments, bool last)
    {
        string? part = Within(run, text, arguments, 1, out int start);
        long at = part is null ? -1 : JinjaSearch.Find(run, part, arguments.Text(0), last);
        return at < 0 ? -1 : at + start;
    }

    // The part of a text between two optional bounds, or null where the first lies behind the end.
    private static string? Within(JinjaRun run, string text, JinjaBound arguments, int index, out int start)
    {
        start = 0;
        if (!arguments.HasValue(index) && !arguments.HasValue(index + 1))
        {
            return text;
        }

        int length = JinjaText.Length(text);
        long from = arguments.HasValue(index) ? arguments.Integer(index, 0) : 0,
            to = arguments.HasValue(index + 1) ? arguments.Integer(index + 1, 0) : length;
        from = from < 0 ? Math.Max(0, from + length) : from;
        to = to < 0 ? Math.Max(0, to + length) : Math.Min(to, length);
        start = (int)Math.Min(from, length);
        return from > length || from > to ? null : run.Made(text[JinjaText.Offset(text, (int)from)..JinjaText.Offset(text, (int)to)]);
    }

    private static string Join(JinjaRun run, string separator, object? items)
    {
        var text = new StringBuilder();
        bool first = true;
        foreach (object? item in JinjaValue.Items(run, items))
        {
            run.Append(text, first ? "" : separator);
            run.Append(text, item as string ?? throw run.Error($"method 'join' needs texts, not {JinjaText.TypeName(item)}"));
            first = false;
        }

        return run.Made(text.ToString());
    }

    private static string Fill(JinjaRun run, string text, long width)
    {
        int sign = text.StartsWith('-') || text.StartsWith('+') ? 1 : 0;
        return run.Made(text[..sign] + Pad(run, text[sign..], width - sign, "0", left: 2));
    }

    private static bool All(JinjaRun run, object? value, Func<Rune, bool> test)
    {
        string text = (string)value!;
        run.Work(text.Length);
        return text.Length > 0 && text.EnumerateRunes().All(test);
    }

    private static object IsCase(JinjaRun run, object? value, Func<Rune, bool> isOther)
    {
        string text = (string)value!;
        run.Work(text.Length);
        return text.EnumerateRunes().Any(JinjaCase.IsCased) && !text.EnumerateRunes().Any(isOther);
    }
}

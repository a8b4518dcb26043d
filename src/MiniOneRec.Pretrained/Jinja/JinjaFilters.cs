using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>The filters of Jinja2 on single values; <see cref="JinjaSequenceFilters"/> and
/// <see cref="JinjaOrderFilters"/> have those on sequences.</summary>
internal static class JinjaFilters
{
    private static readonly string[] Refused =
    [
        "attr", "e", "escape", "filesizeformat", "forceescape", "pprint", "random", "striptags", "urlencode", "urlize", "wordwrap",
            "xmlattr",
    ];

    public static JinjaTable Table { get; } = JinjaOrderFilters.AddTo(JinjaSequenceFilters.AddTo(new JinjaTable("filter")
    {
        { "trim", "chars?", (run, value, a) =>
            JinjaTextMethods.Strip(run, JinjaText.Of(run, value), a.HasValue(0) ? a.Text(0) : null, start: true, end: true) },
        { "upper", "", (run, value, _) => JinjaCase.Upper(run, JinjaText.Of(run, value)) },
        { "lower", "", (run, value, _) => JinjaCase.Lower(run, JinjaText.Of(run, value)) },
        { "capitalize", "", (run, value, _) => JinjaCase.Capitalize(run, JinjaText.Of(run, value)) },
        { "title", "", (run, value, _) => Title(run, JinjaText.Of(run, value)) },
        { "string safe", "", (run, value, _) => JinjaText.Of(run, value) },
        { "replace", "old new count?", (run, value, a) => JinjaSearch.Replace(
            run, JinjaText.Of(run, value), JinjaText.Of(run, a[0]), JinjaText.Of(run, a[1]), a.HasValue(2) ? a.Integer(2, -1) : -1) },
        { "default d", "default_value? boolean?",
            (_, value, a) => value is JinjaUndefined || (a.Flag(1) && !JinjaValue.IsTrue(value)) ? (a.Has(0) ? a[0] : "") : value },
        { "int", "default? base?", (run, value, a) => Integer(run, value, a) },
        { "float", "default?", (run, value, a) => Real(run, value) ?? (a.Has(0) ? a[0] : 0.0) },
        { "abs", "", (run, value, _) => value switch
        {
            double number => (object)Math.Abs(number),
            long or bool => JinjaNumbers.TryInteger(value, out long number) && number < 0 ? JinjaOperators.Sign(run, true, number) : number,
            _ => throw run.Error($"filter 'abs' needs a number, not {JinjaText.TypeName(value)}"),
        } },
        { "round", "precision? method?", (run, value, a) => Round(run, value, a) },
        { "indent", "width? first? blank?", (run, value, a) => Indent(run, TextOnly(run, value, "indent"), a) },
        { "center", "width?", (run, value, a) => JinjaTextMethods.Pad(run, JinjaText.Of(run, value), a.Integer(0, 80), " ", left: 1) },
        { "truncate", "length? killwords? end? leeway?", (run, value, a) => Truncate(run, TextOnly(run, value, "truncate"), a) },
        { "wordcount", "", (run, value, _) => Words(run, JinjaText.Of(run, value)) },
        { "format", "*", (run, value, a) => JinjaFormat.Apply(run, JinjaText.Of(run, value), Formatted(run, a.Raw)) },
        { "tojson", "ensure_ascii? indent? separators? sort_keys?", (run, value, a) => JinjaJson.Write(run, value, a) },
    }));

    /// <summary>Returns whether Jinja2 has a filter that is refused here.</summary>
    public static bool IsRefused(string name) => Array.IndexOf(Refused, name) >= 0;

    private static object?[] Formatted(JinjaRun run, JinjaArguments arguments)
    {
        if (arguments.Named.Length == 0)
        {
            return arguments.Positional;
        }

        var map = new JinjaMap();
        foreach (var (name, value) in arguments.Named)
        {
            map.Set(run, name, value);
        }

        return arguments.Positional.Length == 0 ? [map] : throw run.Error("filter 'format' takes values with names or without, not both");
    }

    private static string TextOnly(JinjaRun run, object? value, string filter) =>
        value as string ?? throw run.Error($"filter '{filter}' needs a text, not {JinjaText.TypeName(value)}");

    private static string Title(JinjaRun run, string text)
    {
        // Words begin behind blanks, hyphens and opening brackets.
        var made = new StringBuilder();
        int start = 0;
        for (int at = 0; at <= text.Length; at++)
        {
            bool isBorder = at < text.Length && (JinjaText.IsSpace(text[at]) || text[at] is '-' or '(' or '{' or '[' or '<');
            if (at < text.Length && !isBorder)
            {
                continue;
            }

            string word = text[start..at];
            int first = word.Length == 0 ? 0 : char.IsHighSurrogate(word[0]) ? 2 : 1;
            run.Append(made, JinjaCase.Upper(run, word[..first]));
            run.Append(made, JinjaCase.Lower(run, word[first..]));
            run.Append(made, isBorder ? text[at].ToString() : "");
            start = at + 1;
        }

        return run.Made(made.ToString());
    }

    private static object? Integer(JinjaRun run, object? value, JinjaBound arguments)
    {
        object? otherwise = arguments.Has(0) ? arguments[0] : 0L;
        long numberBase = arguments.Integer(1, 10);
        if (numberBase is < 2 or > 36)
        {
            throw arguments.Wrong(1, "a base from 2 to 36");
        }

        if (JinjaNumbers.TryInteger(value, out long number))
        {
            return number;
        }

        if (value is string text)
        {
            string digits = JinjaText.Trim(text).Replace("_", "", StringComparison.Ordinal);
            string sign = digits.StartsWith('-') || digits.StartsWith('+') ? digits[..1] : "";
            string rest = digits[sign.Length..];
            bool hasPrefix = numberBase is 16 or 8 or 2
                && rest.StartsWith(numberBase == 16 ? "0x" : numberBase == 8 ? "0o" : "0b", StringComparison.OrdinalIgnoreCase);
            if (JinjaNumbers.Parse(sign + (hasPrefix ? rest[2..] : rest), (int)numberBase) is { } parsed)
            {
                return parsed;
            }

            if (rest.Length > 18 && rest.All(char.IsAsciiDigit))
            {
                throw run.Error("filter 'int': the number is too large");
            }
        }

        return value is double and (double.PositiveInfinity or double.NegativeInfinity)
            ? throw run.Error("filter 'int': the number is infinite")
            : Real(run, value) is { } real && double.IsFinite(real)
            ? Math.Abs(real) < 9.2e18 ? (long)Math.Truncate(real) : throw run.Error("filter 'int': the number is too large")
            : otherwise;
    }

    private static double? Real(JinjaRun run, object? value) => value switch
    {
        JinjaUndefined undefined => throw run.Error($"{undefined.Reason}, so it is no number"),
        string text => JinjaNumbers.TryParseReal(text, out double number) ? number : null,
        _ => JinjaNumbers.TryNumber(value, out double number) ? number : null,
    };

    private static object Round(JinjaRun run, object? value, JinjaBound arguments)
    {
        long precision = arguments.Integer(0, 0);
        string method = arguments.Text(1, "common");
        if (!JinjaNumbers.TryNumber(value, out double number) || precision is < -15 or > 15)
        {
            throw run.Error(
                $"filter 'round' needs a number and a precision from -15 to 15, not {JinjaText.TypeName(value)} and {precision}");
        }

        run.Charge(8192);
        double scale = Math.Pow(10, Math.Abs(precision));
        double Scaled(Func<double, double> round) => precision >= 0 ? round(number * scale) / scale : round(number / scale) * scale;
        if (method is "ceil" or "floor")
        {
            return Scaled(method == "ceil" ? Math.Ceiling : Math.Floor);
        }

        if (method != "common")
        {
            throw arguments.Wrong(1, "common, ceil or floor");
        }

        return JinjaNumbers.TryInteger(value, out long whole)
            ? (object)(precision >= 0 ? whole : (long)Scaled(x => Math.Round(x, MidpointRounding.ToEven)))
            : precision < 0 || !double.IsFinite(number) ? Scaled(x => Math.Round(x, MidpointRounding.ToEven))
            : double.Parse(JinjaNumbers.Fixed(number, (int)precision), System.Globalization.CultureInfo.InvariantCulture);
    }

    private static string Indent(JinjaRun run, string text, JinjaBound arguments)
    {
        string indentation = arguments.Has(0) && arguments[0] is string given ? given : Blanks(run, arguments.Integer(0, 4));
        bool first = arguments.Flag(1), blank = arguments.Flag(2);
        var made = new StringBuilder();
        var lines = JinjaSearch.Lines(run, text + "\n", keepEnds: false);
        for (int i = 0; i < lines.Count; i++)
        {
            string line = (string)lines[i]!;
            run.Append(made, i == 0 ? "" : "\n");
            run.Append(made, i == 0 ? (first ? indentation : "") : blank || line.Length > 0 ? indentation : "");
            run.Append(made, line);
        }

        return run.Made(made.ToString());
    }

    /// <summary>Makes blanks.</summary>
    public static string Blanks(JinjaRun run, long count)
    {
        count = Math.Clamp(count, 0, JinjaRun.Widest);
        run.Charge(2 * count);
        return new string(' ', (int)count);
    }

    private static string Truncate(JinjaRun run, string text, JinjaBound arguments)
    {
        long length = Math.Min(arguments.Integer(0, 255), JinjaRun.Widest);
        long leeway = Math.Min(arguments.HasValue(3) ? arguments.Integer(3, 5) : 5, JinjaRun.Widest);
        string end = arguments.Text(2, "...");
        if (length < JinjaText.Length(end) || leeway < 0)
        {
            throw run.Error("filter 'truncate': the length is below that of the ending, or the leeway is negative");
        }

        if (JinjaText.Length(text) <= length + leeway)
        {
            return text;
        }

        string kept = text[..JinjaText.Offset(text, (int)length - JinjaText.Length(end))];
        int space = arguments.Flag(1) ? -1 : kept.LastIndexOf(' ');
        return run.Made((space >= 0 ? kept[..space] : kept) + end);
    }

    private static long Words(JinjaRun run, string text)
    {
        run.Work(text.Length);
        long count = 0;
        bool inWord = false;
        foreach (var rune in text.EnumerateRunes())
        {
            bool isWord = Rune.IsLetterOrDigit(rune) || Rune.IsNumber(rune) || rune.Value == '_';
            count += isWord && !inWord ? 1 : 0;
            inWord = isWord;
        }

        return count;
    }
}

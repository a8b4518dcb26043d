using System.Globalization;
using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>Formats text: Python's percent sign, and braces without format specifications.</summary>
internal static class JinjaFormat
{
    /// <summary>Applies <c>format % values</c>.</summary>
    /// <exception cref="InvalidDataException">A conversion is not supported, or values and conversions do not match.</exception>
    public static string Apply(JinjaRun run, string format, object?[] values)
    {
        var text = new StringBuilder();
        int used = 0;
        for (int at = 0; at < format.Length;)
        {
            int percent = format.IndexOf('%', at);
            run.Append(text, percent < 0 ? format[at..] : format[at..percent]);
            if (percent < 0)
            {
                break;
            }

            at = percent + 1;
            at = Convert(run, format, at, text, values, ref used);
        }

        return used == values.Length || (values is [JinjaMap or List<object?> or JinjaRange or JinjaUndefined] && used == 0)
            ? run.Made(text.ToString())
            : throw run.Error("'%' got more values than the text has places");
    }

    /// <summary>Applies <c>format.format(values)</c>; specifications behind a colon are refused.</summary>
    /// <exception cref="InvalidDataException">A field is malformed, missing or has a specification.</exception>
    public static string Braces(JinjaRun run, string format, JinjaArguments arguments)
    {
        var text = new StringBuilder();
        int next = 0;
        for (int at = 0; at < format.Length;)
        {
            int brace = format.AsSpan(at).IndexOfAny('{', '}');
            int end = brace < 0 ? format.Length : at + brace;
            run.Append(text, format[at..end]);
            if (end == format.Length)
            {
                break;
            }

            if (end + 1 < format.Length && format[end + 1] == format[end])
            {
                run.Append(text, format[end].ToString());
                at = end + 2;
                continue;
            }

            int close = format.IndexOf('}', end);
            if (format[end] == '}' || close < 0)
            {
                throw run.Error("method 'format': a brace stands alone");
            }

            run.Append(text, Field(run, format[(end + 1)..close], arguments, ref next));
            at = close + 1;
        }

        return run.Made(text.ToString());
    }

    private static string Field(JinjaRun run, string field, JinjaArguments arguments, ref int next)
    {
        bool represents = field.EndsWith("!r", StringComparison.Ordinal);
        field = represents || field.EndsWith("!s", StringComparison.Ordinal) ? field[..^2] : field;
        if (field.AsSpan().IndexOfAny(":!.[{") >= 0)
        {
            throw run.Error($"method 'format': the field '{{{field}}}' is not supported; expected a name or a number");
        }

        object? index = field.Length == 0 ? (long)next++ : field.All(char.IsAsciiDigit) ? JinjaNumbers.Parse(field, 10) : null;
        int named = Array.FindIndex(arguments.Named, pair => pair.Key == field);
        object? value = index is long at
            ? at < arguments.Positional.Length ? arguments.Positional[at] : throw run.Error($"method 'format' has no value number {at}")
            : named >= 0 ? arguments.Named[named].Value : throw run.Error($"method 'format' has no value '{field}'");
        return represents ? Represented(run, value) : JinjaText.Of(run, value);
    }

    private static string Represented(JinjaRun run, object? value)
    {
        var text = new StringBuilder();
        JinjaText.Represent(run, text, value);
        return text.ToString();
    }

    // Returns the offset behind the conversion.
    private static int Convert(JinjaRun run, string format, int at, StringBuilder text, object?[] values, ref int used)
    {
        int start = at;
        object? entry = JinjaBound.Absent;
        if (at < format.Length && format[at] == '(')
        {
            int close = format.IndexOf(')', at);
            string name = close < 0 ? throw run.Error("'%(' is never closed; expected ')'") : run.Made(format[(at + 1)..close]);
            entry = values is not [JinjaMap map] ? throw run.Error("'%' with names needs a map")
                : map.TryGet(name, out object? found) ? found : throw run.Error("'%' names a key that the map lacks");
            used = values.Length;
            at = close + 1;
        }

        int flagsStart = at;
        at = Skip(format, at, "-+ 0#");
        string flags = format[flagsStart..at];
        int widthStart = at;
        at = Skip(format, at, "0123456789");
        int width = at == widthStart ? 0
            : int.TryParse(format.AsSpan(widthStart, at - widthStart), CultureInfo.InvariantCulture, out int wide) ? wide : int.MaxValue;
        int precision = -1;
        if (at < format.Length && format[at] == '.')
        {
            int digits = at + 1;
            at = Skip(format, digits, "0123456789");
            precision = at == digits ? 0 : int.TryParse(format.AsSpan(digits, at - digits), CultureInfo.InvariantCulture, out int given)
                ? given : int.MaxValue;
        }

        char kind = at < format.Length ? format[at] : throw run.Error("'%' ends in the middle of a conversion");
        if (kind == '%')
        {
            run.Append(text, "%");
            return at + 1;
        }

        if (precision > 100 || width > 1_000_000 || flags.Contains('#', StringComparison.Ordinal))
        {
            throw run.Error($"'%': the conversion '%{format[start..(at + 1)]}' is not supported");
        }

        object? value = !ReferenceEquals(entry, JinjaBound.Absent) ? entry : used < values.Length ? values[used++]
            : throw run.Error("'%' got fewer values than the text has places");
        string made = Made(run, kind, value, precision);
        bool isNumber = kind is not ('s' or 'r');
        made = isNumber && !made.StartsWith('-') ? (flags.Contains('+', StringComparison.Ordinal) ? "+"
            : flags.Contains(' ', StringComparison.Ordinal) ? " " : "") + made : made;
        run.Charge(2L * width);
        int sign = made.Length > 0 && made[0] is '-' or '+' or ' ' ? 1 : 0;
        run.Append(text, flags.Contains('-', StringComparison.Ordinal) ? made.PadRight(width)
            : isNumber && flags.Contains('0', StringComparison.Ordinal) ? made[..sign]
                + made[sign..].PadLeft(Math.Max(0, width - sign), '0')
            : made.PadLeft(width));
        return at + 1;
    }

    private static string Made(JinjaRun run, char kind, object? value, int precision)
    {
        if (kind is 's' or 'r')
        {
            string text = kind == 's' ? JinjaText.Of(run, value) : Represented(run, value);
            return precision < 0 ? text : text[..JinjaText.Offset(text, precision)];
        }

        if (!JinjaNumbers.TryNumber(value, out double number))
        {
            throw run.Error($"'%{kind}' needs a number, not {JinjaText.TypeName(value)}");
        }

        return kind switch
        {
            'd' or 'i' or 'u' when JinjaNumbers.TryInteger(value, out long whole) => Digits(whole, precision),
            'd' or 'i' or 'u' when Math.Abs(number) < 9e18 => Digits((long)number, precision),
            'x' when JinjaNumbers.TryInteger(value, out long whole) => Hexadecimal(whole),
            'X' when JinjaNumbers.TryInteger(value, out long whole) => Hexadecimal(whole).ToUpperInvariant(),
            'f' or 'F' when double.IsFinite(number) => Fixed(run, number, precision < 0 ? 6 : precision),
            _ => throw run.Error($"'%{kind}' is not supported for {JinjaText.TypeName(value)}"),
        };
    }

    private static string Fixed(JinjaRun run, double number, int decimals)
    {
        run.Charge(8192);
        return JinjaNumbers.Fixed(number, decimals);
    }

    private static string Digits(long number, int precision)
    {
        string digits = ((Int128)number < 0 ? -(Int128)number : number).ToString(CultureInfo.InvariantCulture);
        return (number < 0 ? "-" : "") + digits.PadLeft(Math.Max(precision, 0), '0');
    }

    private static string Hexadecimal(long number) => number < 0
        ? $"-{(-(Int128)number).ToString("x", CultureInfo.InvariantCulture).TrimStart('0')}"
        : number.ToString("x", CultureInfo.InvariantCulture);

    private static int Skip(string text, int at, string set)
    {
        while (at < text.Length && set.Contains(text[at], StringComparison.Ordinal))
        {
            at++;
        }

        return at;
    }
}

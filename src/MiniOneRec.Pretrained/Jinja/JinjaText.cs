using System.Globalization;
using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>Writes values as Python's <c>str</c> and <c>repr</c> do, and counts text in code points.</summary>
internal static class JinjaText
{
    /// <summary>Writes a value as <c>str</c> does.</summary>
    public static string Of(JinjaRun run, object? value)
    {
        switch (value)
        {
            case string text:
                return text;
            case null:
                return "None";
            case JinjaUndefined:
                return "";
            case bool truth:
                return truth ? "True" : "False";
            case long number:
                run.Charge(64);
                return number.ToString(CultureInfo.InvariantCulture);
            case double number:
                run.Charge(1024);
                return JinjaNumbers.Text(number);
            default:
                var text2 = new StringBuilder();
                Represent(run, text2, value);
                return run.Made(text2.ToString());
        }
    }

    /// <summary>Names the type of a value for messages.</summary>
    public static string TypeName(object? value) => value switch
    {
        null => "None",
        JinjaUndefined undefined => $"undefined ({undefined.Reason})",
        bool => "a truth value",
        long => "an integer",
        double => "a real number",
        string => "a text",
        List<object?> => "a list",
        JinjaTuple => "a tuple",
        JinjaMap => "a map",
        JinjaNamespace => "a namespace",
        JinjaRange => "a range",
        JinjaView view => $"a {view.Kind}",
        JinjaGenerator => "a generator",
        JinjaCallable function => $"the function '{function.Name}'",
        _ => value == JinjaBound.Absent ? "missing" : "an object",
    };

    /// <summary>Tells what Python calls white space.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1C' and <= '\x1F';

    public static string Trim(string text) => TrimEnd(TrimStart(text));

    public static string TrimStart(string text)
    {
        int start = 0;
        while (start < text.Length && IsSpace(text[start]))
        {
            start++;
        }

        return text[start..];
    }

    public static string TrimEnd(string text)
    {
        int end = text.Length;
        while (end > 0 && IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[..end];
    }

    /// <summary>Counts code points.</summary>
    public static int Length(ReadOnlySpan<char> text)
    {
        int count = text.Length;
        for (int at = text.IndexOfAnyInRange('\uDC00', '\uDFFF'); at >= 0 && at < text.Length; at++)
        {
            count -= char.IsLowSurrogate(text[at]) ? 1 : 0;
        }

        return count;
    }

    /// <summary>Gets the offset of a code point.</summary>
    public static int Offset(string text, int index)
    {
        int first = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (first < 0 || index <= first)
        {
            return Math.Min(index, text.Length);
        }

        int at = first;
        for (int count = first; count < index && at < text.Length; count++)
        {
            at += char.IsHighSurrogate(text[at]) ? 2 : 1;
        }

        return at;
    }

    /// <summary>Writes a value as <c>repr</c> does.</summary>
    public static void Represent(JinjaRun run, StringBuilder output, object? value)
    {
        run.Work(16);
        switch (value)
        {
            case string text:
                Quote(run, output, text);
                break;
            case JinjaUndefined:
                run.Append(output, "Undefined");
                break;
            case List<object?> list:
                Group(run, output, "[", list, "]");
                break;
            case JinjaTuple tuple:
                Group(run, output, "(", tuple.Items, tuple.Items.Length == 1 ? ",)" : ")");
                break;
            case JinjaView view:
                Group(run, output, $"{view.Kind}([", view.Items, "])");
                break;
            case JinjaMap map:
                Entries(run, output, map.Entries);
                break;
            case JinjaNamespace space:
                run.Append(output, "<Namespace ");
                Entries(run, output, space.Members.Select(pair => ((object?)pair.Key, pair.Value)));
                run.Append(output, ">");
                break;
            case JinjaRange range:
                run.Append(output,
                    range.Step == 1 ? $"range({range.Start}, {range.Stop})" : $"range({range.Start}, {range.Stop}, {range.Step})");
                break;
            case JinjaMacro macro:
                run.Append(output, $"<Macro '{macro.Name}'>");
                break;
            case null or bool or long or double:
                run.Append(output, Of(run, value));
                break;
            default:
                throw run.Error($"{TypeName(value)} cannot be printed");
        }
    }

    private static void Group(JinjaRun run, StringBuilder output, string open, IReadOnlyList<object?> items, string close)
    {
        run.Enter();
        run.Append(output, open);
        for (int i = 0; i < items.Count; i++)
        {
            run.Append(output, i == 0 ? "" : ", ");
            Represent(run, output, items[i]);
        }

        run.Append(output, close);
        run.Leave();
    }

    private static void Entries(JinjaRun run, StringBuilder output, IEnumerable<(object? Key, object? Value)> entries)
    {
        run.Enter();
        string before = "{";
        foreach (var (key, value) in entries)
        {
            run.Append(output, before);
            Represent(run, output, key);
            run.Append(output, ": ");
            Represent(run, output, value);
            before = ", ";
        }

        run.Append(output, before == "{" ? "{}" : "}");
        run.Leave();
    }

    private static void Quote(JinjaRun run, StringBuilder output, string text)
    {
        run.Charge((2L * text.Length) + 64);
        run.Work(text.Length);
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        output.Append(quote);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value == quote || rune.Value == '\\')
            {
                output.Append('\\').Append((char)rune.Value);
            }
            else if (rune.Value is '\n' or '\r' or '\t')
            {
                output.Append('\\').Append(rune.Value switch { '\n' => 'n', '\r' => 'r', _ => 't' });
            }
            else if (IsPrintable(rune))
            {
                _ = rune.IsBmp ? output.Append((char)rune.Value) : output.Append(rune.ToString());
            }
            else
            {
                run.Charge(32);
                output.Append('\\').Append(rune.Value < 0x100 ? 'x' : rune.Value < 0x10000 ? 'u' : 'U');
                output.Append(
                    rune.Value.ToString(rune.Value < 0x100 ? "x2" : rune.Value < 0x10000 ? "x4" : "x8", CultureInfo.InvariantCulture));
            }
        }

        output.Append(quote);
    }

    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}

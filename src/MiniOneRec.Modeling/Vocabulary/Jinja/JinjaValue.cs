using System.Collections;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MiniOneRec.Modeling;

/// <summary>What values of a template can do; they follow Python.</summary>
internal static class JinjaValue
{
    /// <summary>A name or member that does not exist: false, empty, and not defined.</summary>
    public static readonly object Undefined = new UndefinedValue();

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Indented = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, WriteIndented = true, IndentSize = 4 };

    public static bool IsTrue(object? value) => value switch
    {
        null or UndefinedValue => false,
        bool truth => truth,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        ICollection items => items.Count > 0,
        _ => true,
    };

    public static string Text(object? value) => value switch
    {
        null => "None",
        UndefinedValue => "",
        bool truth => truth ? "True" : "False",
        string text => text,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => JsonSerializer.Serialize(value, Plain),
    };

    public static IEnumerable<object?> Items(object? value) => value switch
    {
        List<object?> list => list,
        Dictionary<string, object?> map => map.Keys,
        string text => text.Select(c => (object?)c.ToString()),
        UndefinedValue => [],
        _ => throw Bad($"'{Text(value)}' cannot be gone through"),
    };

    public static object? Member(object? target, string name) => target switch
    {
        Dictionary<string, object?> map when map.TryGetValue(name, out object? value) => value,
        UndefinedValue or null => throw Bad($"'{name}' is asked of something that is not there"),
        _ => Undefined,
    };

    public static object? Item(object? target, object? key) => (target, key) switch
    {
        (List<object?> list, long i) => Place(list.Count, i) is { } at ? list[at] : Undefined,
        (string text, long i) => Place(text.Length, i) is { } at ? text[at].ToString() : Undefined,
        (Dictionary<string, object?> map, string name) => map.TryGetValue(name, out object? value) ? value : Undefined,
        _ => throw Bad($"'{Text(key)}' is no place in '{Text(target)}'"),
    };

    public static object? Slice(object? target, object? start, object? stop, object? step)
    {
        var items = Items(target).ToList();
        long by = step as long? ?? 1;
        if (by == 0)
        {
            throw Bad("a slice cannot have step 0");
        }

        long Bound(object? value, long fallback) => value is not long i ? fallback : Math.Clamp(i < 0 ? i + items.Count : i, by < 0 ? -1 : 0, by < 0 ? items.Count - 1 : items.Count);
        long from = Bound(start, by < 0 ? items.Count - 1 : 0), to = Bound(stop, by < 0 ? -1 : items.Count);
        var taken = new List<object?>();
        for (long i = from; by > 0 ? i < to : i > to; i += by)
        {
            taken.Add(items[(int)i]);
        }

        return target is string ? string.Concat(taken.Select(Text)) : taken;
    }

    public static object Combine(string sign, object? left, object? right) => (sign, left, right) switch
    {
        ("~", _, _) => Text(left) + Text(right),
        ("+", string a, string b) => a + b,
        ("+", List<object?> a, List<object?> b) => (List<object?>)[.. a, .. b],
        ("+", long a, long b) => a + b,
        ("-", long a, long b) => a - b,
        ("*", long a, long b) => a * b,
        ("*", string a, long b) => string.Concat(Enumerable.Repeat(a, (int)Math.Clamp(b, 0, 1 << 20))),
        ("%", long a, long b) when b != 0 => (a % b + b) % b,
        ("//", long a, long b) when b != 0 => (long)Math.Floor((double)a / b),
        ("/", long a, long b) when b != 0 => (double)a / b,
        ("+", long or double, long or double) => Number(left) + Number(right),
        ("-", long or double, long or double) => Number(left) - Number(right),
        ("*", long or double, long or double) => Number(left) * Number(right),
        ("/", long or double, long or double) => Number(left) / Number(right),
        _ => throw Bad($"'{sign}' does not fit '{Text(left)}' and '{Text(right)}'"),
    };

    public static bool Compare(string sign, object? left, object? right)
    {
        if (sign is "==" or "!=")
        {
            bool equal = left is long or double && right is long or double ? Number(left) == Number(right) : Equals(left, right) || Text(left) == Text(right) && left?.GetType() == right?.GetType();
            return equal == (sign == "==");
        }

        int order = left is string a && right is string b ? string.CompareOrdinal(a, b) : Number(left).CompareTo(Number(right));
        return sign switch { "<" => order < 0, ">" => order > 0, "<=" => order <= 0, _ => order >= 0 };
    }

    public static bool Contains(object? container, object? item) => container is string text
        ? text.Contains(Text(item), StringComparison.Ordinal)
        : Items(container).Any(other => Compare("==", other, item));

    public static bool Test(string test, object? value) => test switch
    {
        "defined" => value is not UndefinedValue,
        "undefined" => value is UndefinedValue,
        "none" => value is null,
        "string" => value is string,
        "mapping" => value is Dictionary<string, object?>,
        "sequence" or "iterable" => value is string or List<object?> or Dictionary<string, object?>,
        "number" => value is long or double,
        "integer" => value is long,
        "boolean" => value is bool,
        "true" => value is true,
        "false" => value is false,
        _ => throw Bad($"test '{test}' is unknown"),
    };

    public static object? Filter(string filter, object? value, JinjaArguments arguments) => filter switch
    {
        "trim" => Text(value).Trim(),
        "upper" => Text(value).ToUpperInvariant(),
        "lower" => Text(value).ToLowerInvariant(),
        "string" => Text(value),
        "length" or "count" => value is string text ? text.Length : (long)Items(value).Count(),
        "first" => Items(value).FirstOrDefault(Undefined),
        "last" => Items(value).LastOrDefault(Undefined),
        "list" => Items(value).ToList(),
        "reverse" => Items(value).Reverse().ToList(),
        "items" => Pairs(value),
        "int" => (long)Number(value),
        "join" => string.Join(arguments.Positional.Count > 0 ? Text(arguments.Positional[0]) : "", Items(value).Select(Text)),
        "default" => value is UndefinedValue || (arguments.Positional.Count > 1 && IsTrue(arguments.Positional[1]) && !IsTrue(value)) ? arguments.Positional[0] : value,
        "replace" => Text(value).Replace(Text(arguments.Positional[0]), Text(arguments.Positional[1]), StringComparison.Ordinal),
        "tojson" => arguments.Named.ContainsKey("indent") ? JsonSerializer.Serialize(value, Indented) : Json(value),
        "safe" => value,
        _ => throw Bad($"filter '{filter}' is unknown"),
    };

    public static object? CallMethod(object? target, string name, List<object?> arguments)
    {
        string? Argument(int i) => i < arguments.Count ? Text(arguments[i]) : null;
        return (target, name) switch
        {
            (string text, "strip") => Argument(0) is { } set ? text.Trim(set.ToCharArray()) : text.Trim(),
            (string text, "lstrip") => Argument(0) is { } set ? text.TrimStart(set.ToCharArray()) : text.TrimStart(),
            (string text, "rstrip") => Argument(0) is { } set ? text.TrimEnd(set.ToCharArray()) : text.TrimEnd(),
            (string text, "startswith") => text.StartsWith(Argument(0)!, StringComparison.Ordinal),
            (string text, "endswith") => text.EndsWith(Argument(0)!, StringComparison.Ordinal),
            (string text, "upper") => text.ToUpperInvariant(),
            (string text, "lower") => text.ToLowerInvariant(),
            (string text, "title") => CultureInfo.InvariantCulture.TextInfo.ToTitleCase(text),
            (string text, "replace") => text.Replace(Argument(0)!, Argument(1), StringComparison.Ordinal),
            (string text, "split") => (Argument(0) is { } by ? text.Split(by) : text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Cast<object?>().ToList(),
            (string text, "join") => string.Join(text, Items(arguments[0]).Select(Text)),
            (Dictionary<string, object?>, "items") => Pairs(target),
            (Dictionary<string, object?> map, "keys") => map.Keys.Cast<object?>().ToList(),
            (Dictionary<string, object?> map, "values") => map.Values.ToList(),
            (Dictionary<string, object?> map, "get") => map.TryGetValue(Argument(0)!, out object? value) ? value : arguments.Count > 1 ? arguments[1] : null,
            _ => throw Bad($"method '{name}' is unknown"),
        };
    }

    public static object CallFunction(string name, JinjaArguments arguments) => name switch
    {
        "raise_exception" => throw Bad($"the template refuses its input: {Text(arguments.Positional.FirstOrDefault())}"),
        "namespace" or "dict" => arguments.Named,
        "range" => Enumerable.Range(
            arguments.Positional.Count > 1 ? (int)Number(arguments.Positional[0]) : 0,
            (int)Math.Clamp(Number(arguments.Positional[^1]) - (arguments.Positional.Count > 1 ? Number(arguments.Positional[0]) : 0), 0, 1 << 16)).Select(i => (object?)(long)i).ToList(),
        _ => throw Bad($"function '{name}' is unknown"),
    };

    // On one line as Python writes it, with a blank after commas and colons.
    private static string Json(object? value) => value switch
    {
        List<object?> list => $"[{string.Join(", ", list.Select(Json))}]",
        Dictionary<string, object?> map => $"{{{string.Join(", ", map.Select(pair => $"{JsonSerializer.Serialize(pair.Key, Plain)}: {Json(pair.Value)}"))}}}",
        _ => JsonSerializer.Serialize(value, Plain),
    };

    private static List<object?> Pairs(object? value) => value is Dictionary<string, object?> map
        ? [.. map.Select(pair => (object?)new List<object?> { pair.Key, pair.Value })]
        : throw Bad($"'{Text(value)}' is no map");

    private static int? Place(int count, long i) => i + (i < 0 ? count : 0) is var at && at >= 0 && at < count ? (int)at : null;

    private static double Number(object? value) => value switch
    {
        long number => number,
        double number => number,
        bool truth => truth ? 1 : 0,
        string text when double.TryParse(text, CultureInfo.InvariantCulture, out double number) => number,
        _ => throw Bad($"'{Text(value)}' is no number"),
    };

    private static InvalidDataException Bad(string problem) => new($"Chat template: {problem}.");

    private sealed class UndefinedValue;
}

namespace MiniOneRec.Pretrained;

/// <summary>The methods of lists and tuples; those that change them are not allowed.</summary>
internal static class JinjaListMethods
{
    public static JinjaTable Table { get; } = new("method")
    {
        { "index", "value start? stop?", (run, value, a) => Index(run, value, a) },
        { "count", "value", (run, value, a) => (long)JinjaValue.Items(run, value).Count(item => JinjaComparer.AreEqual(run, item, a[0])) },
        { "copy", "", (run, value, _) => value is List<object?> ? JinjaValue.ToList(run, value)
        : throw run.Error("method 'copy' of a tuple does not exist") },
    };

    private static long Index(JinjaRun run, object? value, JinjaBound arguments)
    {
        var items = JinjaValue.ToElements(run, value);
        long start = arguments.Integer(1, 0), stop = arguments.Integer(2, items.Count);
        start = start < 0 ? Math.Max(0, start + items.Count) : start;
        stop = stop < 0 ? stop + items.Count : Math.Min(stop, items.Count);
        for (long i = start; i < stop; i++)
        {
            if (JinjaComparer.AreEqual(run, items[(int)i], arguments[0]))
            {
                return i;
            }
        }

        throw run.Error("method 'index': the value is not in the list");
    }
}

/// <summary>The methods of maps; those that change them are not allowed.</summary>
internal static class JinjaMapMethods
{
    public static JinjaTable Table { get; } = new("method")
    {
        { "get", "key default?", (_, value, a) => ((JinjaMap)value!).TryGet(a[0], out object? found) ? found : a.Has(1) ? a[1] : null },
        { "items", "", (run, value, _) => new JinjaView("dict_items", Pairs(run, (JinjaMap)value!)) },
        { "keys", "", (run, value, _) => new JinjaView("dict_keys", JinjaValue.ToList(run, value)) },
        { "values", "", (run, value, _) => new JinjaView("dict_values", Values(run, (JinjaMap)value!)) },
        { "copy", "", (_, value, _) => value },
    };

    public static List<object?> Pairs(JinjaRun run, JinjaMap map)
    {
        run.Charge(96L * map.Count);
        run.Work(map.Count);
        return [.. map.Entries.Select(entry => (object?)new JinjaTuple([entry.Key, entry.Value]))];
    }

    private static List<object?> Values(JinjaRun run, JinjaMap map)
    {
        run.Charge(16L * map.Count);
        run.Work(map.Count);
        return [.. map.Values];
    }
}

/// <summary>Methods that exist in Python and are refused here: they change what they belong to, or are not supported.</summary>
internal static class JinjaMethodNames
{
    private static readonly HashSet<string> Text =
    [
        "casefold", "encode", "expandtabs", "format_map", "isidentifier", "isprintable", "istitle", "maketrans", "translate",
    ];

    private static readonly HashSet<string> List = ["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"];

    private static readonly HashSet<string> Map = ["clear", "fromkeys", "pop", "popitem", "setdefault", "update"];

    public static bool IsRefused(object? value, string name) =>
        (value switch { string => Text, List<object?> => List, JinjaMap => Map, _ => [] }).Contains(name);
}

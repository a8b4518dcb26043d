namespace MiniOneRec.Pretrained;

/// <summary>The functions that every template may call.</summary>
internal static class JinjaGlobals
{
    private static readonly string[] Refused = ["lipsum"];

    private static readonly Dictionary<string, JinjaCallable> Functions = MakeFunctions();

    /// <summary>Finds a function.</summary>
    public static bool Find(string name, out object? value)
    {
        bool found = Functions.TryGetValue(name, out var function);
        value = function;
        return found;
    }

    /// <summary>Returns whether Jinja2 has a function that is refused here.</summary>
    public static bool IsRefused(string name) => Array.IndexOf(Refused, name) >= 0;

    private static Dictionary<string, JinjaCallable> MakeFunctions()
    {
        var table = new JinjaTable("function")
        {
            { "raise_exception", "message?",
                (run, _, a) => throw run.Error($"the template refuses its input: {(a.Has(0) ? JinjaText.Of(run, a[0]) : "")}") },
            { "strftime_now", "format", (run, _, a) => JinjaClock.Write(run, a.Text(0)) },
            { "range", "start stop? step?", (run, _, a) => Range(run, a) },
            { "namespace", "*", (run, _, a) => Namespace(run, a.Raw) },
            { "dict", "*", (run, _, a) => Map(run, a.Raw) },
            { "joiner", "sep?", (_, _, a) => Joiner(a.Text(0, ", ")) },
            { "cycler", "*", (run, _, a) => Cycler(run, a.Raw) },
        };
        return table.Names.ToDictionary(name => name, name => (JinjaCallable)new JinjaMethod(name, table.Find(name)!, null),
            StringComparer.Ordinal);
    }

    private static JinjaRange Range(JinjaRun run, JinjaBound arguments)
    {
        for (int i = 0; i < 3; i++)
        {
            if (arguments.Has(i) && !JinjaNumbers.TryInteger(arguments[i], out _))
            {
                throw arguments.Wrong(i, "an integer");
            }
        }

        run.Charge(64);
        long first = arguments.Integer(0, 0), step = arguments.Integer(2, 1);
        var range = step == 0 ? throw run.Error("function 'range': the step is 0")
            : arguments.Has(1) ? new JinjaRange(first, arguments.Integer(1, 0), step) : new JinjaRange(0, first, step);
        return range.ExactCount <= JinjaRange.Longest ? range
            : throw run.Error($"function 'range': {range.ExactCount} numbers; expected at most {JinjaRange.Longest}");
    }

    private static JinjaNamespace Namespace(JinjaRun run, JinjaArguments arguments)
    {
        run.Charge(160);
        var space = new JinjaNamespace();
        foreach (var (key, value) in Map(run, arguments).Entries)
        {
            space.Members[key as string ?? throw run.Error("function 'namespace': a name is no text")] = value;
        }

        return space;
    }

    private static JinjaMap Map(JinjaRun run, JinjaArguments arguments)
    {
        var map = new JinjaMap();
        if (arguments.Positional.Length > 1)
        {
            throw run.Error($"function 'dict' takes at most 1 positional argument, not {arguments.Positional.Length}");
        }

        foreach (object? source in arguments.Positional)
        {
            if (source is JinjaMap other)
            {
                foreach (var (key, value) in other.Entries)
                {
                    map.Set(run, key, value);
                }

                continue;
            }

            foreach (object? pair in JinjaValue.Items(run, source))
            {
                var parts = JinjaValue.ToElements(run, pair);
                map.Set(run, parts.Count == 2 ? parts[0] : throw run.Error("function 'dict' needs pairs"), parts[1]);
            }
        }

        foreach (var (name, value) in arguments.Named)
        {
            map.Set(run, name, value);
        }

        return map;
    }

    private static JinjaFunction Joiner(string separator)
    {
        bool used = false;
        return new JinjaFunction("joiner", (_, _) =>
        {
            string text = used ? separator : "";
            used = true;
            return text;
        });
    }

    private static JinjaNamespace Cycler(JinjaRun run, JinjaArguments arguments)
    {
        object?[] items = arguments.Positional.Length > 0 ? arguments.Positional : throw run.Error("function 'cycler' needs values");
        int at = 0;
        var cycler = new JinjaNamespace();
        cycler.Members["current"] = items[0];
        cycler.Members["next"] = new JinjaFunction("next", (_, _) => Move((at + 1) % items.Length, items[at]));
        cycler.Members["reset"] = new JinjaFunction("reset", (_, _) => Move(0, null));
        return cycler;

        object? Move(int to, object? result)
        {
            at = to;
            cycler.Members["current"] = items[at];
            return result;
        }
    }
}

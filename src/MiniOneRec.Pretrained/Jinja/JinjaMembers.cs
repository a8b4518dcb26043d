namespace MiniOneRec.Pretrained;

/// <summary>Finds members, elements and parts of values.</summary>
internal static class JinjaMembers
{
    /// <summary>Gets what a name behind a point means: a method before an element of that name.</summary>
    /// <exception cref="InvalidDataException">The value is undefined, or the member is not allowed.</exception>
    public static object? Member(JinjaRun run, object? value, string name) =>
        Attribute(run, value, name, out object? found) || (value is JinjaMap map && map.TryGet(name, out found)) ? found
            : Missing(run, value, name);

    /// <summary>Gets what an index or key means: an element before a method of that name.</summary>
    /// <exception cref="InvalidDataException">The value is undefined, or the member is not allowed.</exception>
    public static object? Item(JinjaRun run, object? value, object? key)
    {
        if (value is JinjaMap map && map.TryGet(key, out object? found))
        {
            return found;
        }

        if (JinjaNumbers.TryInteger(key, out long index) && value is string or List<object?> or JinjaTuple or JinjaRange)
        {
            long length = JinjaValue.Length(run, value);
            index += index < 0 ? length : 0;
            return index < 0 || index >= length ? Missing(run, value, JinjaText.Of(run, key)) : value switch
            {
                string text => run.Made(At(text, (int)index)),
                List<object?> list => list[(int)index],
                JinjaTuple tuple => tuple.Items[index],
                _ => ((JinjaRange)value)[(int)index],
            };
        }

        if (key is string name && Attribute(run, value, name, out found))
        {
            return found;
        }

        run.Charge(512);
        return value is JinjaUndefined
            ? Missing(run, value, "")
            : new JinjaUndefined(
                $"{JinjaText.TypeName(value)} has no element {(key is string or long ? $"'{Short(key)}'" : "of this kind")}");
    }

    /// <summary>Gets a part of a text, list or tuple.</summary>
    /// <exception cref="InvalidDataException">The value has no parts, or a bound is no integer.</exception>
    public static object? Slice(JinjaRun run, object? value, object? start, object? stop, object? step)
    {
        if (value is not (string or List<object?> or JinjaTuple or JinjaRange))
        {
            throw value is JinjaUndefined undefined
                ? run.Error($"{undefined.Reason}, so it has no parts")
                : run.Error($"{JinjaText.TypeName(value)} has no parts");
        }

        int length = (int)JinjaValue.Length(run, value);
        long by = Bound(run, step) ?? 1;
        if (by == 0)
        {
            throw run.Error("a slice cannot have the step 0");
        }

        long from = Clamp(Bound(run, start), by < 0 ? length - 1 : 0), to = Clamp(Bound(run, stop), by < 0 ? -1 : length);
        long count = by > 0 ? (from < to ? (to - from - 1) / by + 1 : 0) : from > to ? (from - to - 1) / -by + 1 : 0;
        if (value is string text && by == 1)
        {
            int begin = JinjaText.Offset(text, (int)from);
            return count == 0 ? "" : run.Made(text[begin..JinjaText.Offset(text, (int)to)]);
        }

        if (value is JinjaRange range)
        {
            return new JinjaRange(range.Start + (from * range.Step), range.Start + (to * range.Step), range.Step * by);
        }

        var elements = JinjaValue.ToElements(run, value);
        run.Charge(64 + (8 * count));
        run.Work(count);
        object?[] taken = new object?[count];
        for (int i = 0; i < count; i++)
        {
            taken[i] = elements[(int)(from + (i * by))];
        }

        return value switch
        {
            string => run.Made(string.Concat(taken)),
            JinjaTuple => new JinjaTuple(taken),
            _ => new List<object?>(taken),
        };

        long Clamp(long? bound, long otherwise)
        {
            long at = bound is { } given ? (given < 0 ? given + length : given) : otherwise;
            return bound is null ? otherwise : by < 0 ? Math.Clamp(at, -1, length - 1) : Math.Clamp(at, 0, length);
        }
    }

    /// <summary>Follows a path of members, for example <c>function.name</c> or <c>0</c>, as filters take them.</summary>
    public static object? Path(JinjaRun run, object? value, object? path, object? otherwise = null)
    {
        object?[] parts = path is string text
            ? [.. text.Split('.').Select(part => part.Length > 0 && part.All(char.IsAsciiDigit) ? JinjaNumbers.Parse(part, 10) : part)]
            : [path];
        foreach (object? part in parts)
        {
            run.Work(16);
            run.Charge(192);
            value = Item(run, value, part);
            value = value is JinjaUndefined && otherwise is not null ? otherwise : value;
        }

        return value;
    }

    private static bool Attribute(JinjaRun run, object? value, string name, out object? found)
    {
        found = null;
        switch (value)
        {
            case JinjaNamespace space:
                return space.Members.TryGetValue(name, out found);
            case JinjaLoop loop:
                found = loop.Member(run, name);
                return true;
            case JinjaTuple { Names: { } names } tuple when Array.IndexOf(names, name) is >= 0 and var at:
                found = tuple.Items[at];
                return true;
            case JinjaMacro macro when name == "name":
                found = macro.Name;
                return true;
            case JinjaMacro macro when name == "arguments":
                run.Charge(64);
                found = macro.ParameterNames;
                return true;
        }

        var table = value switch
        {
            string => JinjaTextMethods.Table,
            List<object?> or JinjaTuple => JinjaListMethods.Table,
            JinjaMap => JinjaMapMethods.Table,
            _ => null,
        };
        if (table?.Find(name) is { } method)
        {
            run.Charge(48);
            found = new JinjaMethod(name, method, value);
            return true;
        }

        return value is not JinjaMap { } map || !map.TryGet(name, out _)
            ? (JinjaMethodNames.IsRefused(value, name)
                ? throw run.Error($"method '{name}' of {JinjaText.TypeName(value)} is not supported") : false)
            : false;
    }

    private static JinjaUndefined Missing(JinjaRun run, object? value, string name)
    {
        run.Charge(512);
        name = Short(name);
        return value switch
        {
            JinjaUndefined undefined => throw run.Error(name.Length == 0 ? $"{undefined.Reason}, so it has no elements"
                : $"{undefined.Reason}, so it has no member '{name}'"),
            not JinjaMap when name.StartsWith('_') => throw run.Error($"the member '{name}' is not allowed"),
            _ => new JinjaUndefined($"{JinjaText.TypeName(value)} has no member '{name}'"),
        };
    }

    private static string Short(object key) => key is string { Length: > 100 } text ? $"{text.AsSpan(0, 100)}…" : key.ToString()!;

    private static string At(string text, int index)
    {
        int at = JinjaText.Offset(text, index);
        return text.Substring(at, char.IsHighSurrogate(text[at]) ? 2 : 1);
    }

    private static long? Bound(JinjaRun run, object? bound) => bound is null ? null
        : JinjaNumbers.TryInteger(bound, out long number) ? Math.Clamp(number, -int.MaxValue, int.MaxValue)
        : throw run.Error($"the bound of a slice is {JinjaText.TypeName(bound)}; expected an integer");
}

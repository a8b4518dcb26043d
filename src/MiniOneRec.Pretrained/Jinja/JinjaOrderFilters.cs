namespace MiniOneRec.Pretrained;

/// <summary>The filters of Jinja2 that compare the elements of sequences: sorting, grouping, extremes.</summary>
internal static class JinjaOrderFilters
{
    /// <summary>Adds the filters to a table.</summary>
    public static JinjaTable AddTo(JinjaTable table)
    {
        table.Add("dictsort", "case_sensitive? by? reverse?", (run, value, a) => SortMap(run, value, a));
        table.Add("sort", "reverse? case_sensitive? attribute?",
            (run, value, a) => Sort(run, value, a.HasValue(2) ? a[2] : null, a.Flag(1), a.Flag(0)));
        table.Add("unique", "case_sensitive? attribute?", (run, value, a) => Unique(run, value, a));
        table.Add("groupby", "attribute default? case_sensitive?", (run, value, a) => Group(run, value, a));
        table.Add("min", "case_sensitive? attribute?", (run, value, a) => Extreme(run, value, a, -1));
        table.Add("max", "case_sensitive? attribute?", (run, value, a) => Extreme(run, value, a, 1));
        return table;
    }

    private static object? Folded(JinjaRun run, object? value, bool caseSensitive) => !caseSensitive && value is string text
        ? JinjaCase.Lower(run, text) : value;

    private static List<object?> Sort(JinjaRun run, object? value, object? attribute, bool caseSensitive, bool reverse)
    {
        // Several attributes, with commas between them, are compared one after the other.
        object?[] paths = attribute is string text ? [.. text.Split(',')] : [attribute];
        var items = JinjaValue.ToList(run, value);
        run.Charge(64L * items.Count);
        var keys = items.ConvertAll(item =>
            paths.Select(path => Folded(run, path is null ? item : JinjaMembers.Path(run, item, path), caseSensitive)).ToArray());
        return Sorted(run, items, keys, reverse, equalityFirst: true);
    }

    /// <summary>Sorts elements by keys; equal ones keep their order.</summary>
    /// <exception cref="InvalidDataException">Two keys have no order.</exception>
    public static List<T> Sorted<T>(JinjaRun run, List<T> items, List<object?[]> keys, bool reverse, bool equalityFirst = false)
    {
        int Compare(int a, int b)
        {
            for (int i = 0; i < keys[a].Length; i++)
            {
                int order = equalityFirst && JinjaComparer.AreEqual(run, keys[a][i], keys[b][i]) ? 0
                    : JinjaComparer.Order(run, "<", keys[a][i], keys[b][i]);
                if (order != 0)
                {
                    return reverse ? -order : order;
                }
            }

            return a.CompareTo(b);
        }

        int[] order = [.. Enumerable.Range(0, items.Count)];
        try
        {
            Array.Sort(order, Compare);
        }
        catch (InvalidOperationException e) when (e.InnerException is InvalidDataException or OperationCanceledException)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.InnerException);
        }

        return [.. order.Select(at => items[at])];
    }

    private static List<object?> SortMap(JinjaRun run, object? value, JinjaBound arguments)
    {
        var pairs = value is JinjaMap map ? JinjaMapMethods.Pairs(run, map)
            : throw run.Error($"filter 'dictsort' needs a map, not {JinjaText.TypeName(value)}");
        int at = arguments.Text(1, "key") switch { "key" => 0, "value" => 1, _ => throw arguments.Wrong(1, "key or value") };
        var keys = pairs.ConvertAll(pair => new[] { Folded(run, ((JinjaTuple)pair!).Items[at], arguments.Flag(0)) });
        return Sorted(run, pairs, keys, arguments.Flag(2));
    }

    private static JinjaGenerator Unique(JinjaRun run, object? value, JinjaBound arguments)
    {
        var seen = new JinjaMap();
        var kept = new List<object?>();
        foreach (object? item in JinjaValue.Items(run, value))
        {
            object? key = Folded(run, arguments.HasValue(1) ? JinjaMembers.Path(run, item, arguments[1]) : item, arguments.Flag(0));
            if (!seen.TryGet(key, out _))
            {
                seen.Set(run, key, null);
                kept.Add(item);
            }
        }

        return new JinjaGenerator(kept);
    }

    private static List<object?> Group(JinjaRun run, object? value, JinjaBound arguments)
    {
        bool caseSensitive = arguments.Flag(2);
        object? Key(object? item) => JinjaMembers.Path(run, item, arguments[0], arguments.HasValue(1) ? arguments[1] : null);
        var items = JinjaValue.ToList(run, value);
        var keys = items.ConvertAll(item => new[] { Folded(run, Key(item), caseSensitive) });
        var groups = new List<object?>();
        object? current = null;
        foreach (object? item in Sorted(run, items, keys, reverse: false))
        {
            object? key = Folded(run, Key(item), caseSensitive);
            if (groups.Count == 0 || !JinjaComparer.AreEqual(run, key, current))
            {
                run.Charge(160);
                groups.Add(new JinjaTuple([Key(item), new List<object?>()], ["grouper", "list"]));
                current = key;
            }

            ((List<object?>)((JinjaTuple)groups[^1]!).Items[1]!).Add(item);
        }

        return groups;
    }

    private static object? Extreme(JinjaRun run, object? value, JinjaBound arguments, int sign)
    {
        object? best = new JinjaUndefined("the sequence is empty"), bestKey = null;
        foreach (object? item in JinjaValue.Items(run, value))
        {
            object? key = Folded(run, arguments.HasValue(1) ? JinjaMembers.Path(run, item, arguments[1]) : item, arguments.Flag(0));
            if (best is JinjaUndefined || JinjaComparer.Order(run, "<", key, bestKey) * sign > 0)
            {
                (best, bestKey) = (item, key);
            }
        }

        return best;
    }
}

using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>The filters of Jinja2 that take, cut and map the elements of sequences; <see cref="JinjaOrderFilters"/> has those that compare
/// elements.</summary>
internal static class JinjaSequenceFilters
{
    /// <summary>Adds the filters to a table.</summary>
    public static JinjaTable AddTo(JinjaTable table)
    {
        table.Add("length count", "", (run, value, _) => run.Boxed(JinjaValue.Length(run, value)));
        table.Add("list", "", (run, value, _) => JinjaValue.ToList(run, value));
        table.Add("first", "", (run, value, _) => First(run, value));
        table.Add("last", "", (run, value, _) => value is JinjaGenerator
            ? throw run.Error("filter 'last' does not fit a generator; make a list of it first")
            : JinjaValue.ToElements(run, value) is [.., var last] ? last : new JinjaUndefined("the sequence is empty"));
        table.Add("reverse", "", (run, value, _) => Reverse(run, value));
        table.Add("join", "d? attribute?", (run, value, a) => Join(run, value, a));
        table.Add("items", "", (run, value, _) => new JinjaGenerator(value switch
        {
            JinjaUndefined => [],
            JinjaMap map => JinjaMapMethods.Pairs(run, map),
            _ => throw run.Error($"filter 'items' needs a map, not {JinjaText.TypeName(value)}"),
        }));
        table.Add("sum", "attribute? start?", (run, value, a) => JinjaValue.Items(run, value).Aggregate(
            a.Has(1) ? a[1] : 0L,
            (sum, item) => JinjaOperators.Apply(run, "+", sum, a.HasValue(0) ? JinjaMembers.Path(run, item, a[0]) : item)));
        table.Add("batch", "linecount fill_with?", (run, value, a) => Batch(run, value, a));
        table.Add("slice", "slices fill_with?", (run, value, a) => Slices(run, value, a));
        table.Add("map", "*", (run, value, a) => Map(run, value, a.Raw));
        table.Add("select", "*", (run, value, a) => Select(run, value, a.Raw, hasAttribute: false, keep: true, "select"));
        table.Add("reject", "*", (run, value, a) => Select(run, value, a.Raw, hasAttribute: false, keep: false, "reject"));
        table.Add("selectattr", "*", (run, value, a) => Select(run, value, a.Raw, hasAttribute: true, keep: true, "selectattr"));
        table.Add("rejectattr", "*", (run, value, a) => Select(run, value, a.Raw, hasAttribute: true, keep: false, "rejectattr"));
        return table;
    }

    // What is false has no elements here, None and zero included.
    private static IEnumerable<object?> Elements(JinjaRun run, object? value) => JinjaValue.IsTrue(value) ? JinjaValue.Items(run, value)
        : [];

    private static object? First(JinjaRun run, object? value) =>
        value is JinjaGenerator generator
            ? (generator.TryTakeFirst(out object? taken) ? taken : new JinjaUndefined("the sequence is empty"))
        : value is string text ? (text.Length == 0 ? new JinjaUndefined("the text is empty") : JinjaMembers.Item(run, text, 0L))
        : JinjaValue.ToElements(run, value) is [var first, ..] ? first : new JinjaUndefined("the sequence is empty");

    private static object Reverse(JinjaRun run, object? value)
    {
        var items = JinjaValue.ToList(run, value);
        items.Reverse();
        return value is string ? run.Made(string.Concat(items)) : new JinjaGenerator(items);
    }

    private static string Join(JinjaRun run, object? value, JinjaBound arguments)
    {
        string separator = arguments.Has(0) ? JinjaText.Of(run, arguments[0]) : "";
        var text = new StringBuilder();
        bool first = true;
        foreach (object? item in JinjaValue.Items(run, value))
        {
            run.Append(text, first ? "" : separator);
            run.Append(text, JinjaText.Of(run, arguments.HasValue(1) ? JinjaMembers.Path(run, item, arguments[1]) : item));
            first = false;
        }

        return run.Made(text.ToString());
    }

    private static JinjaGenerator Batch(JinjaRun run, object? value, JinjaBound arguments)
    {
        long size = arguments.Integer(0, 1);
        size = size is > 0 and <= JinjaRange.Longest ? size : throw arguments.Wrong(0, $"a size from 1 to {JinjaRange.Longest}");
        var batches = new List<object?>();
        List<object?>? batch = null;
        foreach (object? item in JinjaValue.Items(run, value))
        {
            if (batch is null || batch.Count == size)
            {
                run.Charge(64);
                batches.Add(batch = []);
            }

            run.Charge(16);
            batch.Add(item);
        }

        run.Charge(16 * size);
        while (batch is not null && arguments.HasValue(1) && batch.Count < size)
        {
            batch.Add(arguments[1]);
        }

        return new JinjaGenerator(batches);
    }

    private static JinjaGenerator Slices(JinjaRun run, object? value, JinjaBound arguments)
    {
        long count = arguments.Integer(0, 1);
        count = count is > 0 and <= JinjaRange.Longest ? count : throw arguments.Wrong(0, $"a count from 1 to {JinjaRange.Longest}");
        var items = JinjaValue.ToList(run, value);
        run.Charge((96 * count) + (8L * items.Count));
        var slices = new List<object?>();
        int size = items.Count / (int)count, extra = items.Count % (int)count, start = 0;
        for (int i = 0; i < count; i++)
        {
            int end = start + size + (i < extra ? 1 : 0);
            var slice = items[start..end];
            if (arguments.HasValue(1) && i >= extra)
            {
                slice.Add(arguments[1]);
            }

            slices.Add(slice);
            start = end;
        }

        return new JinjaGenerator(slices);
    }

    private static JinjaGenerator Map(JinjaRun run, object? value, JinjaArguments arguments)
    {
        Func<object?, object?> map;
        if (arguments.Positional.Length == 0 && Array.Exists(arguments.Named, pair => pair.Key == "attribute"))
        {
            object? attribute = null, otherwise = null;
            foreach (var (name, given) in arguments.Named)
            {
                (attribute, otherwise) = name switch
                {
                    "attribute" => (given, otherwise),
                    "default" => (attribute, given),
                    _ => throw run.Error($"filter 'map' has no argument '{name}'"),
                };
            }

            map = item => JinjaMembers.Path(run, item, attribute, otherwise);
        }
        else
        {
            string name = arguments.Positional is [string given, ..] ? given
                : throw run.Error("filter 'map' needs the name of a filter, or 'attribute'");
            var filter = JinjaFilters.Table.Find(name)
                ?? throw run.Error($"filter '{name}' is {(JinjaFilters.IsRefused(name) ? "not supported" : "unknown")}");
            var rest = arguments with { Positional = arguments.Positional[1..] };
            map = item => filter.Apply(run, item, rest);
        }

        var mapped = new List<object?>();
        run.Enter();
        foreach (object? item in Elements(run, value))
        {
            run.Charge(16);
            run.Work(16);
            mapped.Add(map(item));
        }

        run.Leave();
        return new JinjaGenerator(mapped);
    }

    private static JinjaGenerator Select(JinjaRun run, object? value, JinjaArguments arguments, bool hasAttribute, bool keep, string filter)
    {
        int at = hasAttribute ? 1 : 0;
        object? attribute = hasAttribute
            ? (arguments.Positional.Length > 0 ? arguments.Positional[0] : throw run.Error($"filter '{filter}' needs an attribute")) : null;
        Func<object?, bool> test = JinjaValue.IsTrue;
        if (arguments.Positional.Length > at)
        {
            string name = arguments.Positional[at] as string ?? throw run.Error($"filter '{filter}' needs the name of a test");
            var found = JinjaTests.Table.Find(name)
                ?? throw run.Error($"test '{name}' is {(JinjaTests.IsRefused(name) ? "not supported" : "unknown")}");
            var rest = arguments with { Positional = arguments.Positional[(at + 1)..] };
            test = item => JinjaValue.IsTrue(found.Apply(run, item, rest));
        }

        var kept = new List<object?>();
        run.Enter();
        foreach (object? item in Elements(run, value))
        {
            run.Work(16);
            if (test(hasAttribute ? JinjaMembers.Path(run, item, attribute) : item) == keep)
            {
                run.Charge(16);
                kept.Add(item);
            }
        }

        run.Leave();
        return new JinjaGenerator(kept);
    }
}

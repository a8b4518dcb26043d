namespace MiniOneRec.Pretrained;

/// <summary>The arguments of a call as they are written.</summary>
/// <param name="positional">The arguments without a name.</param>
/// <param name="named">The arguments with a name.</param>
/// <param name="all">Elements that are passed as arguments, behind a <c>*</c>.</param>
/// <param name="allNamed">Entries that are passed as named arguments, behind <c>**</c>.</param>
internal sealed class JinjaArgumentList(
    JinjaExpression[] positional, (string Name, JinjaExpression Value)[] named, JinjaExpression? all = null,
    JinjaExpression? allNamed = null)
{
    public static JinjaArgumentList Empty { get; } = new([], []);

    public JinjaArguments Evaluate(JinjaRun run, JinjaScope scope)
    {
        if (positional.Length + named.Length == 0 && all is null && allNamed is null)
        {
            return JinjaArguments.None;
        }

        run.Charge(80 + (8L * positional.Length) + (16L * named.Length));
        object?[] values = Array.ConvertAll(positional, value => value.Value(run, scope));
        if (all is not null)
        {
            var more = JinjaValue.ToElements(run, all.Value(run, scope));
            run.Charge(32L * more.Count);
            run.Work(more.Count);
            values = [.. values, .. more];
        }

        var pairs = Array.ConvertAll(named, pair => KeyValuePair.Create(pair.Name, pair.Value.Value(run, scope)));
        return new JinjaArguments(values, allNamed is null ? pairs : WithEntries(run, pairs, allNamed.Value(run, scope)));
    }

    private static KeyValuePair<string, object?>[] WithEntries(JinjaRun run, KeyValuePair<string, object?>[] pairs, object? value)
    {
        var map = value as JinjaMap ?? throw run.Error($"'**' needs a map, not {JinjaText.TypeName(value)}");
        var made = pairs.ToList();
        foreach (var (key, item) in map.Entries)
        {
            run.Charge(16);
            run.Work(16);
            string name = key as string ?? throw run.Error("'**': a name is no text");
            made.Add(pairs.Any(pair => pair.Key == name) ? throw run.Error($"the argument '{name}' is given twice")
                : KeyValuePair.Create(name, item));
        }

        return [.. made];
    }
}

/// <summary>The values that a call passes.</summary>
internal sealed record JinjaArguments(object?[] Positional, KeyValuePair<string, object?>[] Named)
{
    public static JinjaArguments None { get; } = new([], []);
}

/// <summary>Arguments in the order of an operation's parameters.</summary>
/// <param name="run">The rendering.</param>
/// <param name="operation">The operation, for messages.</param>
/// <param name="values">A value by parameter; <see cref="Absent"/> where none was given.</param>
/// <param name="raw">What was passed.</param>
internal readonly struct JinjaBound(JinjaRun run, JinjaOperation operation, object?[] values, JinjaArguments raw)
{
    public static readonly object Absent = new();

    public JinjaArguments Raw => raw;

    public object? this[int index] => values[index];

    public bool Has(int index) => !ReferenceEquals(values[index], Absent);

    /// <summary>Returns whether an argument was given and is not None.</summary>
    public bool HasValue(int index) => Has(index) && values[index] is not null;

    public string Text(int index) => values[index] as string ?? throw Wrong(index, "a text");

    public string Text(int index, string otherwise) => Has(index) ? Text(index) : otherwise;

    public long Integer(int index, long otherwise) => !Has(index) ? otherwise : values[index] switch
    {
        long number => number,
        bool truth => truth ? 1 : 0,
        _ => throw Wrong(index, "an integer"),
    };

    public bool Flag(int index, bool otherwise = false) => Has(index) ? JinjaValue.IsTrue(values[index]) : otherwise;

    public InvalidDataException Wrong(int index, string expected) =>
        run.Error(
            $"{operation.Title}: the argument '{operation.Parameters[index]}' is {JinjaText.TypeName(values[index])}; expected {expected}");
}

namespace MiniOneRec.Modeling;

/// <summary>The arguments of a call as they are written.</summary>
internal sealed class JinjaArgumentList(JinjaExpression[] positional, (string Name, JinjaExpression Value)[] named)
{
    public static JinjaArgumentList Empty { get; } = new([], []);

    public JinjaArguments Evaluate(JinjaRun run, JinjaScope scope)
    {
        if (positional.Length + named.Length == 0)
        {
            return JinjaArguments.None;
        }

        run.Charge(80 + (8L * positional.Length) + (16L * named.Length));
        object?[] values = Array.ConvertAll(positional, value => value.Value(run, scope));
        return new JinjaArguments(values, Array.ConvertAll(named, pair => KeyValuePair.Create(pair.Name, pair.Value.Value(run, scope))));
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
        run.Error($"{operation.Title}: the argument '{operation.Parameters[index]}' is {JinjaText.TypeName(values[index])}; expected {expected}");
}

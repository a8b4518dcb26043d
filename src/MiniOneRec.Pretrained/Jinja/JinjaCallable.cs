namespace MiniOneRec.Pretrained;

/// <summary>A value that can be called.</summary>
internal abstract class JinjaCallable
{
    public abstract string Name { get; }

    /// <summary>Calls a value.</summary>
    /// <exception cref="InvalidDataException">The value is no function, or the arguments do not fit.</exception>
    public static object? Call(JinjaRun run, object? value, JinjaArguments arguments) => value switch
    {
        JinjaCallable function => function.Invoke(run, arguments),
        JinjaLoop loop => loop.Repeat(run, arguments),
        JinjaUndefined undefined => throw run.Error($"{undefined.Reason}, so it cannot be called"),
        _ => throw run.Error($"{JinjaText.TypeName(value)} cannot be called"),
    };

    protected abstract object? Invoke(JinjaRun run, JinjaArguments arguments);
}

/// <summary>A function that reads its own arguments.</summary>
internal sealed class JinjaFunction(string name, Func<JinjaRun, JinjaArguments, object?> implementation) : JinjaCallable
{
    public override string Name => name;

    protected override object? Invoke(JinjaRun run, JinjaArguments arguments) => implementation(run, arguments);
}

/// <summary>A method of a value, or a global function.</summary>
internal sealed class JinjaMethod(string name, JinjaOperation operation, object? target) : JinjaCallable
{
    public override string Name => name;

    protected override object? Invoke(JinjaRun run, JinjaArguments arguments) => operation.Apply(run, target, arguments);
}

/// <summary>A macro as it is written.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">The parameters and their defaults.</param>
/// <param name="Body">What it writes.</param>
/// <param name="Implicit">Which of <c>varargs</c>, <c>kwargs</c> and <c>caller</c> it uses.</param>
internal sealed record JinjaMacroDefinition(string Name, (string Name, JinjaExpression? Default)[] Parameters, JinjaStatement Body,
    HashSet<string> Implicit);

/// <summary>A macro and the scope in which it was defined.</summary>
internal sealed class JinjaMacro(JinjaMacroDefinition definition, JinjaScope scope) : JinjaCallable
{
    public override string Name => definition.Name;

    /// <summary>Gets the names of the parameters.</summary>
    public JinjaTuple ParameterNames => new([.. definition.Parameters.Select(parameter => parameter.Name)]);

    protected override object? Invoke(JinjaRun run, JinjaArguments arguments)
    {
        int position = run.Position;
        run.EnterCall();
        var inner = new JinjaScope(scope);
        Bind(run, inner, arguments);
        string text = definition.Body.Capture(run, inner);
        run.LeaveCall();
        run.Position = position;
        return text;
    }

    private void Bind(JinjaRun run, JinjaScope inner, JinjaArguments arguments)
    {
        var parameters = definition.Parameters;
        var named = arguments.Named.ToList();
        object? caller = Take("caller", out bool hasCaller);
        if (hasCaller && !definition.Implicit.Contains("caller") && !parameters.Any(parameter => parameter.Name == "caller"))
        {
            throw run.Error($"macro '{Name}' does not use 'caller', so no call block can call it");
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            var (name, otherwise) = parameters[i];
            object? value = name == "caller" && hasCaller ? caller : Take(name, out _);
            if (i < arguments.Positional.Length)
            {
                value = ReferenceEquals(value, JinjaBound.Absent) ? arguments.Positional[i]
                    : throw run.Error($"macro '{Name}': the argument '{name}' is given twice");
            }

            inner.Set(name, !ReferenceEquals(value, JinjaBound.Absent) ? value
                : otherwise is not null ? otherwise.Value(run, inner)
                : new JinjaUndefined($"the argument '{name}' of macro '{Name}' was not given"));
        }

        if (arguments.Positional.Length > parameters.Length && !definition.Implicit.Contains("varargs"))
        {
            throw run.Error($"macro '{Name}' takes at most {parameters.Length} arguments, not {arguments.Positional.Length}");
        }

        if (named.Count > 0 && !definition.Implicit.Contains("kwargs"))
        {
            throw run.Error($"macro '{Name}' has no argument '{named[0].Key}'");
        }

        inner.Set("caller", hasCaller ? caller : new JinjaUndefined("no 'caller' was passed"));
        if (definition.Implicit.Contains("varargs"))
        {
            inner.Set("varargs", new JinjaTuple([.. arguments.Positional.Skip(parameters.Length)]));
        }

        if (definition.Implicit.Contains("kwargs"))
        {
            var map = new JinjaMap();
            named.ForEach(pair => map.Set(run, pair.Key, pair.Value));
            inner.Set("kwargs", map);
        }

        object? Take(string name, out bool found)
        {
            run.Work(1 + named.Count);
            int at = named.FindIndex(pair => pair.Key == name);
            found = at >= 0;
            object? value = found ? named[at].Value : JinjaBound.Absent;
            if (found)
            {
                named.RemoveAt(at);
            }

            return value;
        }
    }
}

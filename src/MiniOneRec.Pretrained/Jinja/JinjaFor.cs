using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>A loop over elements.</summary>
internal sealed class JinjaFor(
    int position, JinjaTarget target, JinjaExpression items, JinjaExpression? filter, JinjaStatement body, JinjaStatement? otherwise,
    bool recursive)
    : JinjaStatement(position)
{
    public override JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output) =>
        Execute(run, scope, output, items.Value(run, scope), 1);

    private JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output, object? source, int depth)
    {
        run.Position = Position;
        run.Charge(320);
        var inner = new JinjaScope(scope);
        var elements = Elements(run, scope, source);
        var loop = new JinjaLoop(elements, depth, recursive ? value => Repeat(run, scope, value, depth + 1) : null);
        bool completed = false;
        for (int i = 0; i < elements.Count; i++)
        {
            run.Step(Position);
            inner = inner.Renewed(run);
            loop.Index = i;
            inner.Set("loop", loop);
            target.Assign(run, inner, elements[i]);
            var flow = body.Execute(run, inner, output);
            completed |= flow == JinjaFlow.Normal;
            if (flow == JinjaFlow.Break)
            {
                break;
            }
        }

        // As in Jinja2, a turn that was left by break or continue does not count.
        return !completed && otherwise is not null ? otherwise.Execute(run, new JinjaScope(scope), output) : JinjaFlow.Normal;
    }

    // Runs the loop again over other elements, as a call of 'loop' in a recursive one does.
    private string Repeat(JinjaRun run, JinjaScope scope, object? source, int depth)
    {
        run.EnterCall();
        run.Charge(160);
        var output = new StringBuilder();
        Execute(run, scope, output, source, depth);
        run.LeaveCall();
        return run.Made(output.ToString());
    }

    private IReadOnlyList<object?> Elements(JinjaRun run, JinjaScope scope, object? source)
    {
        if (filter is null)
        {
            return JinjaValue.ToElements(run, source);
        }

        var kept = new List<object?>();
        var inner = new JinjaScope(scope);
        foreach (object? element in JinjaValue.Items(run, source))
        {
            inner = inner.Renewed(run);
            target.Assign(run, inner, element);
            if (JinjaValue.IsTrue(filter.Value(run, inner)))
            {
                run.Charge(8);
                kept.Add(element);
            }
        }

        return kept;
    }
}

/// <summary>What <c>loop</c> tells inside a loop.</summary>
/// <param name="elements">The elements.</param>
/// <param name="depth">How deep the loop is in itself, from 1.</param>
/// <param name="repeat">Runs the loop over other elements, or <see langword="null"/> where it is not recursive.</param>
internal sealed class JinjaLoop(IReadOnlyList<object?> elements, int depth, Func<object?, string>? repeat)
{
    private JinjaArguments? _last;

    /// <summary>Runs the loop over other elements.</summary>
    /// <exception cref="InvalidDataException">The loop is not recursive, or the arguments are not one value.</exception>
    public string Repeat(JinjaRun run, JinjaArguments arguments) =>
        repeat is null ? throw run.Error("'loop' can be called in a loop with the word 'recursive' only")
        : arguments is { Positional: [var value], Named: [] } ? repeat(value)
        : throw run.Error("'loop' takes one argument, the elements");

    public int Index { get; set; }

    public object? Member(JinjaRun run, string name)
    {
        run.Charge(128);
        return Find(run, name);
    }

    private object? Find(JinjaRun run, string name) => name switch
    {
        "index" => run.Boxed(Index + 1),
        "index0" => run.Boxed(Index),
        "revindex" => run.Boxed(elements.Count - Index),
        "revindex0" => run.Boxed(elements.Count - Index - 1),
        "first" => Index == 0,
        "last" => Index == elements.Count - 1,
        "length" => run.Boxed(elements.Count),
        "depth" => run.Boxed(depth),
        "depth0" => run.Boxed(depth - 1),
        "previtem" => Index > 0 ? elements[Index - 1] : new JinjaUndefined("there is no previous item"),
        "nextitem" => Index + 1 < elements.Count ? elements[Index + 1] : new JinjaUndefined("there is no next item"),
        "cycle" => new JinjaFunction("cycle", Cycle),
        "changed" => new JinjaFunction("changed", Changed),
        _ => new JinjaUndefined($"'loop' has no attribute '{name}'"),
    };

    private object? Cycle(JinjaRun run, JinjaArguments arguments) =>
        arguments.Positional.Length > 0 ? arguments.Positional[Index % arguments.Positional.Length]
            : throw run.Error("function 'cycle' needs values");

    private object? Changed(JinjaRun run, JinjaArguments arguments)
    {
        bool same = _last is not null
            && JinjaComparer.AreEqual(run, new JinjaTuple(_last.Positional), new JinjaTuple(arguments.Positional));
        _last = arguments;
        return !same;
    }
}

using System.Text;

namespace MiniOneRec.Modeling;

/// <summary>A loop over elements.</summary>
internal sealed class JinjaFor(int position, JinjaTarget target, JinjaExpression items, JinjaExpression? filter, JinjaStatement body, JinjaStatement? otherwise)
    : JinjaStatement(position)
{
    public override JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output)
    {
        object? source = items.Value(run, scope);
        run.Position = Position;
        run.Charge(320);
        var inner = new JinjaScope(scope);
        var elements = Elements(run, scope, source);
        var loop = new JinjaLoop(elements);
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
internal sealed class JinjaLoop(IReadOnlyList<object?> elements)
{
    private JinjaArguments? _last;

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
        "depth" => 1L,                                              // deeper only in recursive loops
        "depth0" => 0L,
        "previtem" => Index > 0 ? elements[Index - 1] : new JinjaUndefined("there is no previous item"),
        "nextitem" => Index + 1 < elements.Count ? elements[Index + 1] : new JinjaUndefined("there is no next item"),
        "cycle" => new JinjaFunction("cycle", Cycle),
        "changed" => new JinjaFunction("changed", Changed),
        _ => new JinjaUndefined($"'loop' has no attribute '{name}'"),
    };

    private object? Cycle(JinjaRun run, JinjaArguments arguments) =>
        arguments.Positional.Length > 0 ? arguments.Positional[Index % arguments.Positional.Length] : throw run.Error("function 'cycle' needs values");

    private object? Changed(JinjaRun run, JinjaArguments arguments)
    {
        bool same = _last is not null && JinjaComparer.AreEqual(run, new JinjaTuple(_last.Positional), new JinjaTuple(arguments.Positional));
        _last = arguments;
        return !same;
    }
}

using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>How a statement ended.</summary>
internal enum JinjaFlow
{
    Normal,
    Break,
    Continue,
}

/// <summary>A statement of a template.</summary>
/// <param name="position">Its offset in the source.</param>
internal abstract class JinjaStatement(int position)
{
    protected int Position { get; } = position;

    public abstract JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output);

    /// <summary>Executes into a text of its own.</summary>
    public string Capture(JinjaRun run, JinjaScope scope)
    {
        run.Charge(160);
        var inner = new StringBuilder();
        Execute(run, scope, inner);
        return run.Made(inner.ToString());
    }
}

/// <summary>Statements one after the other.</summary>
internal sealed class JinjaBody(int position, JinjaStatement[] statements) : JinjaStatement(position)
{
    public override JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output)
    {
        foreach (var statement in statements)
        {
            var flow = statement.Execute(run, scope, output);
            if (flow != JinjaFlow.Normal)
            {
                return flow;
            }
        }

        return JinjaFlow.Normal;
    }
}

/// <summary>Text between brackets.</summary>
internal sealed class JinjaTextStatement(int position, string text) : JinjaStatement(position)
{
    public override JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output)
    {
        run.Step(Position);
        run.Write(output, text);
        return JinjaFlow.Normal;
    }
}

/// <summary>A printed value.</summary>
internal sealed class JinjaPrint(int position, JinjaExpression value) : JinjaStatement(position)
{
    public override JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output)
    {
        object? printed = value.Value(run, scope);
        run.Position = Position;
        run.Write(output, JinjaText.Of(run, printed));
        return JinjaFlow.Normal;
    }
}

/// <summary>Branches, of which the first true one runs.</summary>
internal sealed class JinjaIf(int position, (JinjaExpression Condition, JinjaStatement Body)[] branches, JinjaStatement? otherwise)
    : JinjaStatement(position)
{
    public override JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output)
    {
        foreach (var (condition, body) in branches)
        {
            if (JinjaValue.IsTrue(condition.Value(run, scope)))
            {
                return body.Execute(run, scope, output);
            }
        }

        return otherwise?.Execute(run, scope, output) ?? JinjaFlow.Normal;
    }
}

/// <summary>The end of a loop, or of one turn.</summary>
internal sealed class JinjaJump(int position, JinjaFlow flow) : JinjaStatement(position)
{
    public override JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output)
    {
        run.Step(Position);
        return flow;
    }
}

/// <summary>An assignment of a value.</summary>
internal sealed class JinjaSet(int position, JinjaTarget target, JinjaExpression value) : JinjaStatement(position)
{
    public override JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output)
    {
        object? made = value.Value(run, scope);
        run.Position = Position;
        target.Assign(run, scope, made);
        return JinjaFlow.Normal;
    }
}

/// <summary>An assignment of rendered text, or its output, after filters.</summary>
internal sealed class JinjaCapture(int position, JinjaTarget? target, JinjaStep[] filters, JinjaStatement body) : JinjaStatement(position)
{
    public override JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output)
    {
        object? text = body.Capture(run, new JinjaScope(scope));
        foreach (var filter in filters)
        {
            text = filter.Apply(run, scope, text);
        }

        run.Position = Position;
        if (target is not null)
        {
            target.Assign(run, scope, text);
        }
        else
        {
            run.Write(output, JinjaText.Of(run, text));
        }

        return JinjaFlow.Normal;
    }
}

/// <summary>A block with names of its own.</summary>
internal sealed class JinjaWith(int position, (JinjaTarget Target, JinjaExpression Value)[] names, JinjaStatement body)
    : JinjaStatement(position)
{
    public override JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output)
    {
        run.Charge(160);
        var inner = new JinjaScope(scope);
        foreach (var (target, value) in names)
        {
            object? made = value.Value(run, scope);
            run.Position = Position;
            target.Assign(run, inner, made);
        }

        return body.Execute(run, inner, output);
    }
}

/// <summary>The definition of a macro.</summary>
internal sealed class JinjaMacroStatement(int position, JinjaMacroDefinition definition) : JinjaStatement(position)
{
    public override JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output)
    {
        run.Step(Position);
        run.Charge(64);
        scope.Capture();
        scope.Set(definition.Name, new JinjaMacro(definition, scope));
        return JinjaFlow.Normal;
    }
}

/// <summary>A call that passes its body as <c>caller</c>.</summary>
internal sealed class JinjaCallBlock(int position, JinjaMacroDefinition caller, JinjaExpression callee, JinjaArgumentList arguments)
    : JinjaStatement(position)
{
    public override JinjaFlow Execute(JinjaRun run, JinjaScope scope, StringBuilder output)
    {
        object? function = callee.Value(run, scope);
        var given = arguments.Evaluate(run, scope);
        run.Step(Position);
        run.Charge(160);
        scope.Capture();
        var body = new JinjaMacro(caller, scope);
        object? result =
            JinjaCallable.Call(run, function, given with { Named = [.. given.Named, KeyValuePair.Create("caller", (object?)body)] });
        run.Write(output, JinjaText.Of(run, result));
        return JinjaFlow.Normal;
    }
}

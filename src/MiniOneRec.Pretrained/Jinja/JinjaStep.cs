namespace MiniOneRec.Pretrained;

/// <summary>What follows on a value: a member, an index, a call, a filter or a test.</summary>
/// <param name="position">Its offset in the source.</param>
internal abstract class JinjaStep(int position)
{
    protected int Position { get; } = position;

    public abstract object? Apply(JinjaRun run, JinjaScope scope, object? value);
}

/// <summary>A member by name.</summary>
internal sealed class JinjaMemberStep(int position, string name) : JinjaStep(position)
{
    public override object? Apply(JinjaRun run, JinjaScope scope, object? value)
    {
        run.Step(Position);
        return JinjaMembers.Member(run, value, name);
    }
}

/// <summary>An element by index or key.</summary>
internal sealed class JinjaItemStep(int position, JinjaExpression index) : JinjaStep(position)
{
    public override object? Apply(JinjaRun run, JinjaScope scope, object? value)
    {
        object? key = index.Value(run, scope);
        run.Step(Position);
        return JinjaMembers.Item(run, value, key);
    }
}

/// <summary>A part of a list or text.</summary>
internal sealed class JinjaSliceStep(int position, JinjaExpression? start, JinjaExpression? stop, JinjaExpression? step)
    : JinjaStep(position)
{
    public override object? Apply(JinjaRun run, JinjaScope scope, object? value)
    {
        object? from = start?.Value(run, scope), to = stop?.Value(run, scope), by = step?.Value(run, scope);
        run.Step(Position);
        return JinjaMembers.Slice(run, value, from, to, by);
    }
}

/// <summary>A call.</summary>
internal sealed class JinjaCallStep(int position, JinjaArgumentList arguments) : JinjaStep(position)
{
    public JinjaArgumentList Arguments => arguments;

    public override object? Apply(JinjaRun run, JinjaScope scope, object? value)
    {
        var given = arguments.Evaluate(run, scope);
        run.Step(Position);
        return JinjaCallable.Call(run, value, given);
    }
}

/// <summary>A filter.</summary>
internal sealed class JinjaFilterStep(int position, string name, JinjaOperation? operation, JinjaArgumentList arguments)
    : JinjaStep(position)
{
    public override object? Apply(JinjaRun run, JinjaScope scope, object? value)
    {
        var given = arguments.Evaluate(run, scope);
        run.Step(Position);
        return operation is null ? throw run.Error($"filter '{name}' is not supported") : operation.Apply(run, value, given);
    }
}

/// <summary>A test.</summary>
internal sealed class JinjaTestStep(int position, string name, JinjaOperation? operation, JinjaArgumentList arguments, bool negated)
    : JinjaStep(position)
{
    public override object? Apply(JinjaRun run, JinjaScope scope, object? value)
    {
        var given = arguments.Evaluate(run, scope);
        run.Step(Position);
        return operation is null ? throw run.Error($"test '{name}' is not supported")
            : JinjaValue.Truth(JinjaValue.IsTrue(operation.Apply(run, value, given)) != negated);
    }
}

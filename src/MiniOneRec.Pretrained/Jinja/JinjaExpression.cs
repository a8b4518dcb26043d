using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>An expression of a template.</summary>
/// <param name="position">Its offset in the source.</param>
internal abstract class JinjaExpression(int position)
{
    public int Position { get; } = position;

    /// <summary>Gets the value; counts as a step.</summary>
    public object? Value(JinjaRun run, JinjaScope scope)
    {
        run.Step(Position);
        return Evaluate(run, scope);
    }

    protected abstract object? Evaluate(JinjaRun run, JinjaScope scope);
}

/// <summary>A constant.</summary>
internal sealed class JinjaConstant(int position, object? value) : JinjaExpression(position)
{
    public object? Constant { get; } = value;

    protected override object? Evaluate(JinjaRun run, JinjaScope scope) => Constant;
}

/// <summary>A name.</summary>
internal sealed class JinjaName(int position, string name) : JinjaExpression(position)
{
    private readonly string _name = name;
    private readonly JinjaUndefined _undefined = new($"'{name}' is undefined");

    protected override object? Evaluate(JinjaRun run, JinjaScope scope) =>
        scope.TryGet(_name, out object? value) ? value
        : JinjaGlobals.Find(_name, out value) ? value
        : JinjaGlobals.IsRefused(_name) ? throw run.Error($"function '{_name}' is not supported")
        : _undefined;
}

/// <summary>Values in round brackets.</summary>
internal sealed class JinjaTupleExpression(int position, JinjaExpression[] items) : JinjaExpression(position)
{
    protected override object? Evaluate(JinjaRun run, JinjaScope scope)
    {
        run.Charge(64 + (8L * items.Length));
        return new JinjaTuple(Array.ConvertAll(items, item => item.Value(run, scope)));
    }
}

/// <summary>Values in square brackets.</summary>
internal sealed class JinjaListExpression(int position, JinjaExpression[] items) : JinjaExpression(position)
{
    protected override object? Evaluate(JinjaRun run, JinjaScope scope)
    {
        run.Charge(64 + (8L * items.Length));
        return new List<object?>(Array.ConvertAll(items, item => item.Value(run, scope)));
    }
}

/// <summary>Keys and values in braces.</summary>
internal sealed class JinjaMapExpression(int position, (JinjaExpression Key, JinjaExpression Value)[] entries) : JinjaExpression(position)
{
    protected override object? Evaluate(JinjaRun run, JinjaScope scope)
    {
        var map = new JinjaMap();
        foreach (var (key, value) in entries)
        {
            object? name = key.Value(run, scope);
            map.Set(run, name, value.Value(run, scope));
        }

        return map;
    }
}

/// <summary>One value or another.</summary>
internal sealed class JinjaCondition(int position, JinjaExpression condition, JinjaExpression value, JinjaExpression? otherwise)
    : JinjaExpression(position)
{
    protected override object? Evaluate(JinjaRun run, JinjaScope scope) =>
        JinjaValue.IsTrue(condition.Value(run, scope)) ? value.Value(run, scope)
        : otherwise is null ? new JinjaUndefined("an inline if without else was false")
        : otherwise.Value(run, scope);
}

/// <summary>Several values with <c>and</c> or <c>or</c> between them.</summary>
internal sealed class JinjaLogic(int position, JinjaExpression[] parts, bool isOr) : JinjaExpression(position)
{
    protected override object? Evaluate(JinjaRun run, JinjaScope scope)
    {
        object? value = null;
        foreach (var part in parts)
        {
            value = part.Value(run, scope);
            if (JinjaValue.IsTrue(value) == isOr)
            {
                break;
            }
        }

        return value;
    }
}

/// <summary>The opposite of a truth value.</summary>
internal sealed class JinjaNot(int position, JinjaExpression value) : JinjaExpression(position)
{
    protected override object? Evaluate(JinjaRun run, JinjaScope scope) => JinjaValue.Truth(!JinjaValue.IsTrue(value.Value(run, scope)));
}

/// <summary>A chain of comparisons, each between neighbours.</summary>
internal sealed class JinjaComparison(int position, JinjaExpression first, (string Sign, JinjaExpression Right)[] links)
    : JinjaExpression(position)
{
    protected override object? Evaluate(JinjaRun run, JinjaScope scope)
    {
        object? left = first.Value(run, scope);
        foreach (var (sign, expression) in links)
        {
            object? right = expression.Value(run, scope);
            run.Position = Position;
            bool holds = sign switch
            {
                "in" => JinjaComparer.Contains(run, right, left),
                "not in" => !JinjaComparer.Contains(run, right, left),
                "==" => JinjaComparer.AreEqual(run, left, right),
                "!=" => !JinjaComparer.AreEqual(run, left, right),
                _ => JinjaComparer.Holds(run, sign, left, right),
            };
            if (!holds)
            {
                return JinjaValue.Truth(false);
            }

            left = right;
        }

        return JinjaValue.Truth(true);
    }
}

/// <summary>Values joined as text.</summary>
internal sealed class JinjaConcatenation(int position, JinjaExpression[] parts) : JinjaExpression(position)
{
    protected override object? Evaluate(JinjaRun run, JinjaScope scope)
    {
        var text = new StringBuilder();
        foreach (var part in parts)
        {
            run.Append(text, JinjaText.Of(run, part.Value(run, scope)));
        }

        return run.Made(text.ToString());
    }
}

/// <summary>A chain of operations of one precedence, from left to right.</summary>
internal sealed class JinjaArithmetic(int position, JinjaExpression first, (string Sign, int Position, JinjaExpression Right)[] links)
    : JinjaExpression(position)
{
    protected override object? Evaluate(JinjaRun run, JinjaScope scope)
    {
        object? value = first.Value(run, scope);
        foreach (var (sign, at, expression) in links)
        {
            object? right = expression.Value(run, scope);
            run.Position = at;
            value = JinjaOperators.Apply(run, sign, value, right);
        }

        return value;
    }
}

/// <summary>A number with a sign.</summary>
internal sealed class JinjaSign(int position, bool negative, JinjaExpression value) : JinjaExpression(position)
{
    protected override object? Evaluate(JinjaRun run, JinjaScope scope)
    {
        object? number = value.Value(run, scope);
        run.Position = Position;
        return JinjaOperators.Sign(run, negative, number);
    }
}

/// <summary>A value on which members, calls, filters and tests follow.</summary>
internal sealed class JinjaChain(int position, JinjaExpression first, JinjaStep[] steps) : JinjaExpression(position)
{
    /// <summary>Splits a chain that ends in a call into what is called and its arguments.</summary>
    public (JinjaExpression Callee, JinjaArgumentList Arguments)? SplitCall() => steps[^1] is JinjaCallStep call
        ? (steps.Length == 1 ? first : new JinjaChain(Position, first, steps[..^1]), call.Arguments)
        : null;

    protected override object? Evaluate(JinjaRun run, JinjaScope scope)
    {
        object? value = first.Value(run, scope);
        foreach (var step in steps)
        {
            value = step.Apply(run, scope, value);
        }

        return value;
    }
}

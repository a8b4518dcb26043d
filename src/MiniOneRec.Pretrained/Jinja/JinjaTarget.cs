namespace MiniOneRec.Pretrained;

/// <summary>What values are assigned to: a name, a member of a namespace, or several of these.</summary>
internal abstract class JinjaTarget
{
    public abstract void Assign(JinjaRun run, JinjaScope scope, object? value);
}

/// <summary>A name.</summary>
internal sealed class JinjaNameTarget(string name) : JinjaTarget
{
    public override void Assign(JinjaRun run, JinjaScope scope, object? value) => scope.Set(name, value);
}

/// <summary>A member of a namespace.</summary>
internal sealed class JinjaNamespaceTarget(string name, string member) : JinjaTarget
{
    public override void Assign(JinjaRun run, JinjaScope scope, object? value)
    {
        if (!scope.TryGet(name, out object? target) || target is not JinjaNamespace space)
        {
            throw run.Error($"'{name}.{member}' cannot be assigned: '{name}' is no namespace");
        }

        run.Charge(48);
        space.Members[member] = value;
    }
}

/// <summary>Several targets, each of which takes one element.</summary>
internal sealed class JinjaTupleTarget(JinjaTarget[] targets) : JinjaTarget
{
    public override void Assign(JinjaRun run, JinjaScope scope, object? value)
    {
        var elements = JinjaValue.ToElements(run, value);
        if (elements.Count != targets.Length)
        {
            throw run.Error($"{elements.Count} values cannot be assigned to {targets.Length} names");
        }

        for (int i = 0; i < targets.Length; i++)
        {
            targets[i].Assign(run, scope, elements[i]);
        }
    }
}

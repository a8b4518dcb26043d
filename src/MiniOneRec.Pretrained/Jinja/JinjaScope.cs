namespace MiniOneRec.Pretrained;

/// <summary>Names and their values; inner scopes hide outer ones.</summary>
internal sealed class JinjaScope(JinjaScope? outer)
{
    private string[] _names = [];
    private object?[] _values = [];
    private int _count;

    /// <summary>Gets or sets whether a macro refers to this scope, so that it cannot be used again.</summary>
    public bool IsCaptured { get; set; }

    public bool TryGet(string name, out object? value)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            int at = scope.Find(name);
            if (at >= 0)
            {
                value = scope._values[at];
                return true;
            }
        }

        value = null;
        return false;
    }

    public void Set(string name, object? value)
    {
        int at = Find(name);
        if (at < 0)
        {
            if (_count == _names.Length)
            {
                Array.Resize(ref _names, Math.Max(4, _count * 2));
                Array.Resize(ref _values, _names.Length);
            }

            at = _count++;
            _names[at] = name;
        }

        _values[at] = value;
    }

    /// <summary>Marks this scope and those around it as referred to by a macro.</summary>
    public void Capture()
    {
        for (var scope = this; scope is { IsCaptured: false }; scope = scope.Outer)
        {
            scope.IsCaptured = true;
        }
    }

    /// <summary>Gets an empty scope at the same place: this one, unless a macro refers to it.</summary>
    public JinjaScope Renewed(JinjaRun run)
    {
        if (IsCaptured)
        {
            run.Charge(160);
            return new JinjaScope(Outer);
        }

        _count = 0;
        return this;
    }

    private JinjaScope? Outer { get; } = outer;

    private int Find(string name)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_names[i] == name)
            {
                return i;
            }
        }

        return -1;
    }
}

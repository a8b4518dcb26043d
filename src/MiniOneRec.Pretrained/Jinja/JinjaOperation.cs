using System.Collections;

namespace MiniOneRec.Pretrained;

/// <summary>What an operation does.</summary>
/// <param name="run">The rendering.</param>
/// <param name="value">The value that it is applied to.</param>
/// <param name="arguments">The arguments.</param>
internal delegate object? JinjaImplementation(JinjaRun run, object? value, JinjaBound arguments);

/// <summary>A filter, test, method or function with the names of its parameters.</summary>
/// <param name="Title">What it is called in messages, for example <c>filter 'trim'</c>.</param>
/// <param name="Parameters">The parameters' names.</param>
/// <param name="Required">How many parameters have no default.</param>
/// <param name="TakesAny">Whether it reads its arguments itself.</param>
/// <param name="Implementation">What it does.</param>
internal sealed record JinjaOperation(string Title, string[] Parameters, int Required, bool TakesAny, JinjaImplementation Implementation)
{
    /// <summary>Applies the operation.</summary>
    /// <exception cref="InvalidDataException">The arguments do not fit the parameters.</exception>
    public object? Apply(JinjaRun run, object? value, JinjaArguments arguments) =>
        Implementation(run, value, new JinjaBound(run, this, Bind(run, arguments), arguments));

    private object?[] Bind(JinjaRun run, JinjaArguments arguments)
    {
        if (TakesAny || (Parameters.Length == 0 && arguments.Positional.Length + arguments.Named.Length == 0))
        {
            return [];
        }

        if (arguments.Positional.Length > Parameters.Length)
        {
            throw run.Error($"{Title} takes at most {Parameters.Length} arguments, not {arguments.Positional.Length}");
        }

        object?[] values = new object?[Parameters.Length];
        Array.Fill(values, JinjaBound.Absent);
        arguments.Positional.CopyTo(values, 0);
        foreach (var (name, value) in arguments.Named)
        {
            int index = Array.IndexOf(Parameters, name);
            if (index < 0)
            {
                throw run.Error($"{Title} has no argument '{name}'");
            }

            values[index] = ReferenceEquals(values[index], JinjaBound.Absent) ? value
                : throw run.Error($"{Title}: the argument '{name}' is given twice");
        }

        int missing = Array.FindIndex(values, 0, Required, value => ReferenceEquals(value, JinjaBound.Absent));
        return missing < 0 ? values : throw run.Error($"{Title} needs the argument '{Parameters[missing]}'");
    }
}

/// <summary>Operations by name.</summary>
/// <param name="kind">What they are, for messages.</param>
internal sealed class JinjaTable(string kind) : IEnumerable
{
    private readonly Dictionary<string, JinjaOperation> _operations = new(StringComparer.Ordinal);

    /// <summary>Gets the names.</summary>
    public IEnumerable<string> Names => _operations.Keys;

    /// <summary>Adds an operation under one or several names.</summary>
    /// <param name="names">The names, with blanks between them.</param>
    /// <param name="parameters">The parameters, with blanks between them, optional ones with a question mark; <c>*</c> for any.</param>
    /// <param name="implementation">What it does.</param>
    public void Add(string names, string parameters, JinjaImplementation implementation)
    {
        string[] list = parameters.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (string name in names.Split(' '))
        {
            _operations.Add(name, new JinjaOperation(
                $"{kind} '{name}'", [.. list.Select(parameter => parameter.TrimEnd('?'))],
                list.Count(parameter => !parameter.EndsWith('?')), parameters == "*", implementation));
        }
    }

    public JinjaOperation? Find(string name) => _operations.GetValueOrDefault(name);

    IEnumerator IEnumerable.GetEnumerator() => _operations.GetEnumerator();
}

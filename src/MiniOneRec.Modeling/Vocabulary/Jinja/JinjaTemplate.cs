using System.Text;

namespace MiniOneRec.Modeling;

/// <summary>The part of the Jinja language in which chat templates of published models are written.</summary>
/// <remarks>
/// Text, <c>{{ }}</c>, <c>{% for, if, set %}</c>, comments and white-space control; expressions with filters, tests, slices and the string methods
/// that such templates use. As Hugging Face runs them: the line break after a block and the blanks before it are dropped. Anything else is an
/// error that names the line. Rendering has no access to files, types or the process. Immutable and safe for concurrent use.
/// </remarks>
internal sealed class JinjaTemplate
{
    private readonly JinjaBlock _root;

    private JinjaTemplate(JinjaBlock root) => _root = root;

    /// <exception cref="InvalidDataException">The text is no template of this part of the language; the message names the line.</exception>
    public static JinjaTemplate Parse(string text) => new(new JinjaParser(JinjaLexer.Split(text)).ParseAll());

    /// <summary>Renders.</summary>
    /// <param name="variables">Text, numbers, truth values, lists (<c>List&lt;object?&gt;</c>) and maps (<c>Dictionary&lt;string, object?&gt;</c>).</param>
    /// <exception cref="InvalidDataException">The template refuses its input, or an operation does not fit its values.</exception>
    public string Render(IReadOnlyDictionary<string, object?> variables)
    {
        var output = new StringBuilder();
        _root(new JinjaScope(null, variables), output);
        return output.ToString();
    }
}

/// <summary>A compiled block: writes what it stands for.</summary>
internal delegate void JinjaBlock(JinjaScope scope, StringBuilder output);

/// <summary>A compiled expression.</summary>
internal delegate object? JinjaExpression(JinjaScope scope);

/// <summary>Names and their values; inner scopes hide outer ones.</summary>
internal sealed class JinjaScope(JinjaScope? outer, IReadOnlyDictionary<string, object?>? variables = null)
{
    private readonly Dictionary<string, object?> _values = variables is null ? [] : new(variables, StringComparer.Ordinal);

    public object? this[string name]
    {
        get => _values.TryGetValue(name, out object? value) ? value : outer is null ? JinjaValue.Undefined : outer[name];
        set => _values[name] = value;
    }
}

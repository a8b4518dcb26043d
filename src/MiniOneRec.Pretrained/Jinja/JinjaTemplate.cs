using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>A template in the Jinja language, as Hugging Face runs chat templates.</summary>
/// <remarks>
/// The environment is Jinja2's immutable sandbox with <c>trim_blocks</c>, <c>lstrip_blocks</c> and loop controls. Parts of the language
/// that are not supported are refused by name. Rendering has no access to files, types or the process, and stops at
/// <see cref="ChatTemplateLimits"/>. Every error is an <see cref="InvalidDataException"/> whose message names line and column. Immutable
/// and safe for concurrent use.
/// </remarks>
internal sealed class JinjaTemplate
{
    private readonly JinjaSource _source;
    private readonly JinjaStatement _root;
    private readonly ChatTemplateLimits _limits;

    private JinjaTemplate(JinjaSource source, JinjaStatement root, ChatTemplateLimits limits) =>
        (_source, _root, _limits) = (source, root, limits);

    /// <summary>Parses a template.</summary>
    /// <param name="text">The template.</param>
    /// <param name="limits">The limits of parsing and rendering, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="InvalidDataException">The text is no template, or uses what is not supported; the message names line and
    /// column.</exception>
    public static JinjaTemplate Parse(string text, ChatTemplateLimits? limits = null)
    {
        limits = (limits ?? ChatTemplateLimits.Default).Validated();
        var source = new JinjaSource(text, limits);
        return new JinjaTemplate(source, new JinjaStatementParser(source, new JinjaLexer(source).Run(), limits).ParseAll(), limits);
    }

    /// <summary>Renders.</summary>
    /// <param name="variables">Text, numbers, truth values, lists (<c>List&lt;object?&gt;</c>) and maps (<c>Dictionary&lt;string,
    /// object?&gt;</c>).</param>
    /// <param name="clock">The clock of <c>strftime_now</c>, or <see langword="null"/> for the system's.</param>
    /// <param name="cancellationToken">Stops the rendering.</param>
    /// <exception cref="InvalidDataException">The template refuses its input, fails, or exceeds a limit.</exception>
    public string Render(IReadOnlyDictionary<string, object?> variables, TimeProvider? clock = null,
        CancellationToken cancellationToken = default)
    {
        var run = new JinjaRun(_source, _limits, clock ?? TimeProvider.System, cancellationToken);
        var scope = new JinjaScope(null);
        foreach (var (name, value) in variables)
        {
            scope.Set(name, JinjaValue.Import(run, value));
        }

        var output = new StringBuilder();
        _root.Execute(run, scope, output);
        return output.ToString();
    }
}

using System.Runtime.CompilerServices;

namespace MiniOneRec.Pretrained;

/// <summary>The tokens of a template, taken one by one, with a count of how deep the parser stands.</summary>
internal sealed class JinjaTokenStream(JinjaSource source, List<JinjaToken> tokens, ChatTemplateLimits limits)
{
    private int _at;
    private int _depth;

    public JinjaToken Current => tokens[_at];

    public JinjaToken Following => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    /// <summary>Gets or sets in how many branches the parser stands; there, unknown filters and tests are errors only when they
    /// run.</summary>
    public int Branches { get; set; }

    /// <summary>Gets the names that macros pass implicitly and that the innermost macro uses, or <see langword="null"/> outside
    /// macros.</summary>
    public HashSet<string>? MacroNames { get; set; }

    public InvalidDataException Error(string problem) => source.Error(Current.Position, problem);

    public InvalidDataException Error(int position, string problem) => source.Error(position, problem);

    public InvalidDataException Unexpected(string expected) => Error($"expected {expected}, found {Current}");

    public JinjaToken Take() => _at < tokens.Count - 1 ? tokens[_at++] : tokens[_at];

    public bool TryTakeName(string name) => Current.IsName(name) && Skip();

    public bool TryTakeSign(string sign) => Current.IsSign(sign) && Skip();

    public void ExpectSign(string sign)
    {
        if (!TryTakeSign(sign))
        {
            throw Unexpected($"'{sign}'");
        }
    }

    public void ExpectName(string name)
    {
        if (!TryTakeName(name))
        {
            throw Unexpected($"'{name}'");
        }
    }

    public string TakeName() => Current.Kind == JinjaTokenKind.Name ? Take().Text : throw Unexpected("a name");

    public void Expect(JinjaTokenKind kind)
    {
        if (Current.Kind != kind)
        {
            throw Unexpected(kind == JinjaTokenKind.BlockEnd ? "'%}'" : "'}}'");
        }

        Take();
    }

    /// <summary>Goes one level down.</summary>
    /// <exception cref="InvalidDataException">The template nests deeper than the limit.</exception>
    public void Enter()
    {
        if (++_depth > limits.MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Error($"the template nests deeper than {limits.MaxDepth} levels ({nameof(ChatTemplateLimits.MaxDepth)})");
        }
    }

    public void Leave() => _depth--;

    private bool Skip()
    {
        Take();
        return true;
    }
}

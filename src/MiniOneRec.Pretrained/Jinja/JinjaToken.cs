namespace MiniOneRec.Pretrained;

/// <summary>What a token of a template is.</summary>
internal enum JinjaTokenKind
{
    Text,
    BlockBegin,
    BlockEnd,
    PrintBegin,
    PrintEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End,
}

/// <summary>A token of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The text as it stands; of a string its value.</param>
/// <param name="Position">Its offset in the source.</param>
internal readonly record struct JinjaToken(JinjaTokenKind Kind, string Text, int Position)
{
    /// <summary>Returns whether this is the given name.</summary>
    public bool IsName(string name) => Kind == JinjaTokenKind.Name && Text == name;

    /// <summary>Returns whether this is the given sign.</summary>
    public bool IsSign(string sign) => Kind == JinjaTokenKind.Operator && Text == sign;

    public override string ToString() => Kind switch
    {
        JinjaTokenKind.End => "the end of the template",
        JinjaTokenKind.BlockEnd => "'%}'",
        JinjaTokenKind.PrintEnd => "'}}'",
        JinjaTokenKind.BlockBegin => "'{%'",
        JinjaTokenKind.PrintBegin => "'{{'",
        JinjaTokenKind.Text or JinjaTokenKind.String => "a text",
        _ => $"'{Text}'",
    };
}

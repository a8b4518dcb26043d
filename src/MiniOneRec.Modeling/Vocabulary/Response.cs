namespace MiniOneRec.Modeling;

/// <summary>Holds the answer that a task expects, before a template turns it into tokens: a semantic ID or a text, after an optional
/// reasoning.</summary>
public sealed record Response
{
    /// <summary>Gets the semantic ID, or <see langword="null"/> where the answer is a text.</summary>
    public SemanticId? SemanticId { get; init; }

    /// <summary>Gets the text, or <see langword="null"/> where the answer is a semantic ID.</summary>
    public string? Text { get; init; }

    /// <summary>Gets the text before the answer, or <see langword="null"/> for none.</summary>
    public string? Reasoning { get; init; }

    /// <summary>Makes the answer of a semantic ID.</summary>
    /// <param name="semanticId">The semantic ID.</param>
    public static Response Of(SemanticId semanticId) => new() { SemanticId = semanticId };

    /// <summary>Makes the answer of a text.</summary>
    /// <param name="text">The text.</param>
    public static Response Of(string text) => new() { Text = text };
}

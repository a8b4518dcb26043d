namespace MiniOneRec.Modeling;

/// <summary>What a task wants answered, before a template turns it into tokens: a semantic ID, a text, or both.</summary>
public sealed record Response
{
    /// <summary>Gets the semantic ID, or <see langword="null"/> where the answer is a text.</summary>
    public SemanticId? SemanticId { get; init; }

    /// <summary>Gets the text, or what is written before the semantic ID (the reasoning), or <see langword="null"/>.</summary>
    public string? Text { get; init; }

    /// <summary>Makes the answer of a semantic ID.</summary>
    /// <param name="semanticId">The semantic ID.</param>
    public static Response Of(SemanticId semanticId) => new() { SemanticId = semanticId };

    /// <summary>Makes the answer of a text.</summary>
    /// <param name="text">The text.</param>
    public static Response Of(string text) => new() { Text = text };
}

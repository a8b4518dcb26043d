using System.Text.Json.Nodes;
using MiniOneRec.Modeling;

namespace MiniOneRec.Studies;

/// <summary>Three levels of codes after a text vocabulary, closed by newline and end: the layout of a large backbone without its
/// tokenizer.</summary>
/// <param name="first">The token of code 0 at level 0.</param>
/// <param name="terminator">What follows the last code.</param>
/// <param name="codes">The codes of a level.</param>
/// <param name="opening">What every prompt begins with; token 0 by default.</param>
internal sealed class GridTemplate(int first, int[] terminator, int codes = 256, int[]? opening = null) : IPromptTemplate
{
    public string Name => "grid";

    public SemanticIdVocabulary Vocabulary { get; } = SemanticIdVocabulary.Grid([codes, codes, codes], first);

    public int VocabularySize => first + Vocabulary.Count;

    public IReadOnlyList<int> Terminator { get; } = terminator;

    public Prompt NextItem(IReadOnlyList<SemanticId> history) => new(Prompt.NextSid) { SemanticIds = history };

    public int[] EncodePrompt(Prompt prompt) => [.. opening ?? [0], .. prompt.SemanticIds.SelectMany(Vocabulary.Encode)];

    public int[] EncodeResponse(SemanticId semanticId) => [.. Vocabulary.Encode(semanticId), .. Terminator];

    public int[] EncodeResponse(string text) => throw new NotSupportedException("A grid writes no text.");

    public JsonObject Describe() => new() { ["name"] = Name };
}

using System.Text.Json.Nodes;
using MiniOneRec.Modeling;

namespace MiniOneRec.Tests;

/// <summary>Remembers what it was asked to write.</summary>
internal sealed class RecordingTemplate(SemanticIdVocabulary vocabulary) : IPromptTemplate
{
    private Prompt? _last;

    public List<(Prompt Prompt, Response Response)> Pairs { get; } = [];

    public string Name => "recording";

    public SemanticIdVocabulary Vocabulary => vocabulary;

    public int VocabularySize => 1 << 20;

    public IReadOnlyList<int> Terminator => [];

    public Prompt NextItem(IReadOnlyList<SemanticId> history) => ReferencePrompts.NextSid(history);

    public int[] EncodePrompt(Prompt prompt)
    {
        _last = prompt;
        return [1];
    }

    public int[] EncodeResponse(SemanticId semanticId) => EncodeResponse(Response.Of(semanticId));

    public int[] EncodeResponse(string text) => EncodeResponse(Response.Of(text));

    public int[] EncodeResponse(Response response)
    {
        Pairs.Add((_last!, response));
        return [2];
    }

    public JsonObject Describe() => [];
}

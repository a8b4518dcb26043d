using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling.Tests.Recommending;

/// <summary>A template of an application: the last items alone, after a task token of its own.</summary>
internal sealed class OwnTemplate(IReadOnlyList<int> levelSizes, int items) : IPromptTemplate
{
    public const string OwnName = "last-items";
    private readonly CompactTemplate _codes = new(levelSizes);

    public string Name => OwnName;

    public SemanticIdVocabulary Vocabulary => _codes.Vocabulary;

    public int VocabularySize => _codes.VocabularySize;

    public IReadOnlyList<int> Terminator => [];

    public int Items => items;

    public static PromptTemplateLoader Loader { get; } = new(OwnName, description =>
        new OwnTemplate([.. description["levels"]!.AsArray().Select(size => (int)size!)], (int)description["items"]!));

    public Prompt NextItem(IReadOnlyList<SemanticId> history) => new(OwnName) { SemanticIds = [.. history.TakeLast(items)] };

    public int[] EncodePrompt(Prompt prompt) => [2, .. prompt.SemanticIds.SelectMany(id => Vocabulary.Encode(id))];

    public int[] EncodeResponse(SemanticId semanticId) => Vocabulary.Encode(semanticId);

    public int[] EncodeResponse(string text) => throw new NotSupportedException("No text.");

    public JsonObject Describe() => new()
    {
        ["name"] = Name,
        ["items"] = items,
        ["levels"] = new JsonArray([.. Vocabulary.LevelSizes.Select(size => (JsonNode)size)]),
    };
}

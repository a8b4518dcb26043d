using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MiniOneRec.Modeling;

namespace MiniOneRec.Experiments;

/// <summary>The compact template with words: semantic IDs as in <see cref="CompactTemplate"/>, titles as their frequent words.</summary>
/// <remarks>For models trained from scratch, which know no words; rare words are left out. Task tokens tell apart what is asked.</remarks>
internal sealed partial class WordTemplate : IPromptTemplate
{
    private const int MaxWords = 12;
    private readonly CompactTemplate _compact;
    private readonly Dictionary<string, int> _words;
    private static readonly Dictionary<string, int> TaskTokens = new(StringComparer.Ordinal) { ["title-to-sid"] = 2, ["sid-to-title"] = 3 };

    /// <param name="index">The catalogue.</param>
    /// <param name="titles">Titles of the catalogue; words that occur in five of them or more have a token.</param>
    public WordTemplate(SemanticIdIndex index, IEnumerable<string> titles)
    {
        _compact = CompactTemplate.For(index);
        _words = titles.SelectMany(title => Words(title).Distinct()).CountBy(word => word).Where(pair => pair.Value >= 5)
            .Select(pair => pair.Key).Order(StringComparer.Ordinal)
            .Select((word, i) => (word, _compact.VocabularySize + i))
                .ToDictionary(pair => pair.word, pair => pair.Item2, StringComparer.Ordinal);
    }

    public string Name => "words";

    public SemanticIdVocabulary Vocabulary => _compact.Vocabulary;

    public int VocabularySize => _compact.VocabularySize + _words.Count;

    public IReadOnlyList<int> Terminator => _compact.Terminator;

    public Prompt NextItem(IReadOnlyList<SemanticId> history) => _compact.NextItem(history);

    public int[] EncodePrompt(Prompt prompt) => TaskTokens.TryGetValue(prompt.Task, out int token)
        ? [token, .. prompt.SemanticIds.SelectMany(id => Vocabulary.Encode(id)), .. prompt.Texts.SelectMany(Encode)]
        : _compact.EncodePrompt(prompt);

    public int[] EncodeResponse(SemanticId semanticId) => _compact.EncodeResponse(semanticId);

    public int[] EncodeResponse(string text) => [.. Encode(text), CompactTemplate.EndToken];

    public JsonObject Describe() => new() { ["name"] = Name };

    private IEnumerable<int> Encode(string text) =>
        Words(text).Select(word => _words.GetValueOrDefault(word, -1)).Where(token => token >= 0).Take(MaxWords);

    private static IEnumerable<string> Words(string text) => Word().Matches(text).Select(match => match.Value.ToUpperInvariant());

    [GeneratedRegex(@"\p{L}+|\p{N}+")]
    private static partial Regex Word();
}

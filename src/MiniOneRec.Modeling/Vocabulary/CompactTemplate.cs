using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling;

/// <summary>A task token followed by the tokens of semantic IDs: the template of small models trained from scratch.</summary>
/// <remarks>
/// Token ids: 0 is the end (and padding) token, 1 to <see cref="ReservedTokens"/> − 1 are task tokens, then the grid of codes. A sequence
/// of one user, task token first, trains every next item in one pass. The terminator is empty where all semantic IDs have one depth; it is
/// the end token where depths differ and one could be the prefix of another.
/// </remarks>
public sealed class CompactTemplate : IPromptTemplate
{
    /// <summary>The number of token ids before the grid.</summary>
    public const int ReservedTokens = 8;

    /// <summary>The end (and padding) token.</summary>
    public const int EndToken = 0;

    private const int NextSidToken = 1;
    private readonly bool _writesEnd;

    /// <summary>Makes the template of a grid.</summary>
    /// <param name="levelSizes">K of each level.</param>
    /// <param name="writesEnd">Whether responses end with the end token; needed where depths differ.</param>
    /// <param name="order">The order in which prompts list a history.</param>
    public CompactTemplate(IReadOnlyList<int> levelSizes, bool writesEnd = false, HistoryOrder order = HistoryOrder.OldestFirst)
    {
        Order = order;
        Vocabulary = SemanticIdVocabulary.Grid(levelSizes, ReservedTokens);
        VocabularySize = ReservedTokens + Vocabulary.Count;
        _writesEnd = writesEnd;
        Terminator = writesEnd ? [EndToken] : [];
    }

    /// <summary>Makes the template that suits an index.</summary>
    /// <param name="index">The index.</param>
    public static CompactTemplate For(SemanticIdIndex index)
    {
        ArgumentNullException.ThrowIfNull(index);
        return new CompactTemplate(index.LevelSizes, index.SemanticIds.Any(id => id.Depth != index.Depth));
    }

    /// <inheritdoc/>
    public string Name => "compact";

    /// <summary>Gets the order in which prompts list a history.</summary>
    public HistoryOrder Order { get; }

    /// <inheritdoc/>
    public SemanticIdVocabulary Vocabulary { get; }

    /// <inheritdoc/>
    public int VocabularySize { get; }

    /// <inheritdoc/>
    public IReadOnlyList<int> Terminator { get; }

    /// <inheritdoc/>
    public Prompt NextItem(IReadOnlyList<SemanticId> history) => new(Prompt.NextSid)
    {
        SemanticIds = Order == HistoryOrder.OldestFirst ? history : [.. history.Reverse()],
    };

    /// <inheritdoc/>
    public int[] EncodePrompt(Prompt prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        if (prompt.Task != Prompt.NextSid)
        {
            throw new NotSupportedException($"The compact template writes the task '{Prompt.NextSid}', not '{prompt.Task}'.");
        }

        return [NextSidToken, .. prompt.SemanticIds.SelectMany(id => Vocabulary.Encode(id))];
    }

    /// <inheritdoc/>
    public int[] EncodeResponse(SemanticId semanticId) => [.. Vocabulary.Encode(semanticId), .. Terminator];

    /// <inheritdoc/>
    public int[] EncodeResponse(string text) => throw new NotSupportedException("The compact template writes semantic IDs, not text.");

    /// <inheritdoc/>
    public JsonObject Describe() => new()
    {
        ["name"] = Name,
        ["levelSizes"] = new JsonArray([.. Vocabulary.LevelSizes.Select(size => (JsonNode)size)]),
        ["writesEnd"] = _writesEnd,
        ["order"] = Order.ToString(),
    };
}

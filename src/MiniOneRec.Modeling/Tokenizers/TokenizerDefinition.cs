using System.Text;

namespace MiniOneRec.Modeling;

/// <summary>What a <c>tokenizer.json</c> says, checked.</summary>
internal sealed record TokenizerDefinition
{
    /// <summary>Gets token ids by token, spelled in the byte alphabet.</summary>
    public required Dictionary<string, int> Vocabulary { get; init; }

    /// <summary>Gets the pairs that merge, first pair first, as <c>left right</c>.</summary>
    public required List<string> Merges { get; init; }

    /// <summary>Gets whether a piece that is a token stays whole.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>Gets the Unicode form that text is brought into, or <see langword="null"/> for none.</summary>
    public NormalizationForm? Normalization { get; init; }

    /// <summary>Gets the rules that cut text into pieces.</summary>
    public required List<SplitRule> Rules { get; init; }

    /// <summary>Gets whether text that does not begin with a space is given one.</summary>
    public bool AddPrefixSpace { get; init; }

    /// <summary>Gets the added tokens by id.</summary>
    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }
}

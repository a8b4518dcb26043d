namespace MiniOneRec.Pretrained;

/// <summary>What a <c>tokenizer.json</c> says, checked.</summary>
internal sealed record TokenizerDefinition
{
    /// <summary>Gets token ids by token, spelled in the byte alphabet.</summary>
    public required Dictionary<string, int> Vocabulary { get; init; }

    /// <summary>Gets the pairs that merge, first pair first, as <c>left right</c>.</summary>
    public required List<string> Merges { get; init; }

    /// <summary>Gets whether a piece that is a token stays whole.</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>Gets the token of a byte that the vocabulary lacks, or <see langword="null"/> where such bytes are dropped or there are
    /// none.</summary>
    public int? UnknownToken { get; init; }

    /// <summary>Gets whether neighbouring unknown bytes are one token.</summary>
    public bool FusesUnknown { get; init; }

    /// <summary>Gets the token that the post-processor puts before a text, or <see langword="null"/> for none.</summary>
    public int? BeginToken { get; init; }

    /// <summary>Gets whether text is cut by a byte-level step alone, which is where the configuration's <c>add_prefix_space</c>
    /// counts.</summary>
    public bool IsByteLevelAlone { get; init; }

    /// <summary>Gets the keys of the file that are not known, as paths.</summary>
    public IReadOnlyList<string> UnknownKeys { get; init; } = [];

    /// <summary>Gets the normalizer of text, or <see langword="null"/> for none.</summary>
    public TextNormalizer? Normalizer { get; init; }

    /// <summary>Gets the rules that cut text into pieces.</summary>
    public required List<SplitRule> Rules { get; init; }

    /// <summary>Gets whether text that does not begin with a space is given one.</summary>
    public bool AddPrefixSpace { get; init; }

    /// <summary>Gets the added tokens by id.</summary>
    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }
}

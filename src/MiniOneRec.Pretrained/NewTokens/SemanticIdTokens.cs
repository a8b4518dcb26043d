using MiniOneRec.Modeling;

namespace MiniOneRec.Pretrained;

/// <summary>Adds the codes of semantic IDs to a tokenizer, one token each, and finds them in one.</summary>
public static class SemanticIdTokens
{
    /// <summary>Tokens of codes from here on are taken for ordinary tokens.</summary>
    private const int MaxCode = 1 << 20;

    /// <summary>Adds the whole grid of codes, level by level, code by code; codes that have a token already keep it.</summary>
    /// <param name="tokenizer">The tokenizer, which stays as it is.</param>
    /// <param name="levelSizes">K of each level.</param>
    /// <param name="vocabulary">Which token stands for which code.</param>
    /// <returns>A tokenizer with the tokens.</returns>
    public static TextTokenizer WithSemanticIds(
        this TextTokenizer tokenizer, IReadOnlyList<int> levelSizes, out SemanticIdVocabulary vocabulary)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(levelSizes);

        var made = tokenizer.WithAddedTokens(
            levelSizes.SelectMany((size, level) => Enumerable.Range(0, size).Select(code => SemanticId.TokenText(level, code))));
        vocabulary = made.FindSemanticIds(levelSizes);
        return made;
    }

    /// <summary>Finds the tokens of a grid of codes.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="levelSizes">K of each level.</param>
    /// <returns>Which token stands for which code; codes may have none.</returns>
    public static SemanticIdVocabulary FindSemanticIds(this ITextTokenizer tokenizer, IReadOnlyList<int> levelSizes)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(levelSizes);
        return new SemanticIdVocabulary([.. levelSizes.Select((size, level) =>
            Enumerable.Range(0, size)
                .Select(code => tokenizer.TryGetToken(SemanticId.TokenText(level, code), out int token) ? token : -1)
                .ToArray())]);
    }

    /// <summary>Finds the codes among the added tokens, as a saved tokenizer has them.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <returns>Which token stands for which code, or <see langword="null"/> where no token is one.</returns>
    public static SemanticIdVocabulary? FindSemanticIds(this TextTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        var codes = new SortedDictionary<(int Level, int Code), int>();
        foreach (var token in tokenizer.AddedTokens)
        {
            // A lone token of a deeper level is no semantic ID: its letter is read as level 0.
            if (token.Content is ['<', >= 'a' and <= 'z', '_', ..]
                && SemanticId.TryParse($"<a{token.Content.AsSpan(2)}", out var id) && id.Depth == 1 && id[0] < MaxCode)
            {
                codes.TryAdd((token.Content[1] - 'a', id[0]), token.Id);
            }
        }

        int depth = codes.Count == 0 ? 0 : codes.Keys.Last().Level + 1;
        var levels = Enumerable.Range(0, depth).Select(level => codes.Where(entry => entry.Key.Level == level).ToArray()).ToArray();
        return depth == 0 || levels.Any(level => level.Length == 0)
            ? null
            : new SemanticIdVocabulary([.. levels.Select(level =>
            {
                int[] tokens = new int[level[^1].Key.Code + 1];
                Array.Fill(tokens, -1);
                foreach (var entry in level)
                {
                    tokens[entry.Key.Code] = entry.Value;
                }

                return tokens;
            })]);
    }
}

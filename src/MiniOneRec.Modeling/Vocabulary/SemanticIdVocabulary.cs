namespace MiniOneRec.Modeling;

/// <summary>Maps codes to tokens and back: the border between semantic IDs and token ids.</summary>
/// <remarks>
/// The whole grid of L·K codes has tokens, so that an item which arrives tomorrow needs no new row. Immutable and safe for
/// concurrent use.
/// </remarks>
public sealed class SemanticIdVocabulary
{
    private readonly int[][] _tokens;
    private readonly Dictionary<int, (int Level, int Code)> _codes = [];

    /// <summary>Makes a vocabulary of explicit token ids.</summary>
    /// <param name="tokens">Token id by level and code; −1 where a code has no token.</param>
    /// <exception cref="ArgumentException">No levels, an empty level, or one token for two codes.</exception>
    public SemanticIdVocabulary(IReadOnlyList<int[]> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.Count == 0 || tokens.Any(level => level.Length == 0))
        {
            throw new ArgumentException("A vocabulary needs at least one level, and every level at least one code.", nameof(tokens));
        }

        _tokens = [.. tokens.Select(level => level.ToArray())];
        for (int level = 0; level < _tokens.Length; level++)
        {
            for (int code = 0; code < _tokens[level].Length; code++)
            {
                if (_tokens[level][code] >= 0 && !_codes.TryAdd(_tokens[level][code], (level, code)))
                {
                    throw new ArgumentException($"Token {_tokens[level][code]} stands for two codes.", nameof(tokens));
                }
            }
        }
    }

    /// <summary>Makes the full grid: level by level, code by code, consecutive token ids.</summary>
    /// <param name="levelSizes">K of each level.</param>
    /// <param name="firstToken">The token id of code 0 at level 0.</param>
    public static SemanticIdVocabulary Grid(IReadOnlyList<int> levelSizes, int firstToken)
    {
        ArgumentNullException.ThrowIfNull(levelSizes);
        ArgumentOutOfRangeException.ThrowIfNegative(firstToken);

        var tokens = new int[levelSizes.Count][];
        for (int level = 0; level < tokens.Length; level++)
        {
            tokens[level] = [.. Enumerable.Range(firstToken, levelSizes[level])];
            firstToken += levelSizes[level];
        }

        return new SemanticIdVocabulary(tokens);
    }

    /// <summary>Gets the number of levels, L.</summary>
    public int Depth => _tokens.Length;

    /// <summary>Gets K of each level.</summary>
    public IReadOnlyList<int> LevelSizes => [.. _tokens.Select(level => level.Length)];

    /// <summary>Gets the number of codes that have a token.</summary>
    public int Count => _codes.Count;

    /// <summary>Gets the token ids of one level by code; −1 where a code has no token.</summary>
    /// <param name="level">The level.</param>
    public ReadOnlySpan<int> TokensOf(int level) => _tokens[level];

    /// <summary>Gets the token of a code.</summary>
    /// <param name="level">The level.</param>
    /// <param name="code">The code.</param>
    /// <exception cref="ArgumentException">The code has no token.</exception>
    public int Token(int level, int code)
    {
        int token = (uint)level < (uint)_tokens.Length && (uint)code < (uint)_tokens[level].Length ? _tokens[level][code] : -1;
        return token >= 0 ? token : throw new ArgumentException($"Code {code} at level {level} has no token in this vocabulary.");
    }

    /// <summary>Finds the code that a token stands for.</summary>
    /// <param name="token">The token id.</param>
    /// <param name="level">The level, where the result is <see langword="true"/>.</param>
    /// <param name="code">The code, where the result is <see langword="true"/>.</param>
    public bool TryDecode(int token, out int level, out int code)
    {
        bool found = _codes.TryGetValue(token, out var place);
        (level, code) = place;
        return found;
    }

    /// <summary>Gets the tokens of a semantic ID.</summary>
    /// <param name="semanticId">The semantic ID.</param>
    /// <exception cref="ArgumentException">A code has no token.</exception>
    public int[] Encode(SemanticId semanticId)
    {
        ArgumentNullException.ThrowIfNull(semanticId);
        var tokens = new int[semanticId.Depth];
        for (int level = 0; level < tokens.Length; level++)
        {
            tokens[level] = Token(level, semanticId[level]);
        }

        return tokens;
    }
}

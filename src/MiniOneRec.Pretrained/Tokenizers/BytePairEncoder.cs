using System.Collections.Concurrent;
using Microsoft.ML.Tokenizers;

namespace MiniOneRec.Pretrained;

/// <summary>Merges the bytes of one piece of text into tokens; safe for concurrent use.</summary>
internal sealed class BytePairEncoder
{
    private const int CachedPieces = 1 << 16;
    private const int LongestCachedPiece = 32;

    private readonly BpeTokenizer _bpe;
    private readonly IReadOnlyDictionary<string, int> _vocabulary;
    private readonly bool _ignoreMerges;
    private readonly bool[] _missing;
    private readonly BpeTokenizer? _letters;
    private readonly int _unknown;
    private readonly bool _fusesUnknown;
    private readonly ConcurrentDictionary<string, int[]> _cache = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private int _cached;

    /// <param name="definition">Vocabulary, merges and what becomes of unknown bytes.</param>
    public BytePairEncoder(TokenizerDefinition definition)
    {
        (_vocabulary, _ignoreMerges, _fusesUnknown) = (definition.Vocabulary, definition.IgnoreMerges, definition.FusesUnknown);
        _bpe = BpeTokenizer.Create(new BpeOptions(_vocabulary) { Merges = definition.Merges, ByteLevel = true });
        _missing = MissingBytes(definition.Vocabulary);
        if (definition.UnknownToken is { } unknown)
        {
            _unknown = unknown;
            _letters = BpeTokenizer.Create(new BpeOptions(_vocabulary) { Merges = definition.Merges, ByteLevel = false });
        }

        _lookup = _cache.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Tells by byte whether a vocabulary lacks it.</summary>
    public static bool[] MissingBytes(IReadOnlyDictionary<string, int> vocabulary) =>
        [.. Enumerable.Range(0, 256).Select(value => !vocabulary.ContainsKey(ByteAlphabet.LetterOf((byte)value).ToString()))];

    /// <summary>Appends the tokens of a piece.</summary>
    public void Encode(ReadOnlySpan<char> piece, List<int> tokens)
    {
        if (_lookup.TryGetValue(piece, out int[]? known))
        {
            tokens.AddRange(known);
            return;
        }

        int[] made = _ignoreMerges && _vocabulary.TryGetValue(ByteAlphabet.Spell(piece), out int whole)
            ? [whole]
            : _letters is not null ? EncodeLetters(ByteAlphabet.Spell(piece))
            : [.. _bpe.EncodeToIds(piece, considerPreTokenization: false, considerNormalization: false)];
        tokens.AddRange(made);
        if (piece.Length <= LongestCachedPiece && _cached < CachedPieces && _lookup.TryAdd(piece, made))
        {
            Interlocked.Increment(ref _cached);
        }
    }

    // Nothing merges across a byte that the vocabulary lacks.
    private int[] EncodeLetters(string letters)
    {
        var tokens = new List<int>();
        int start = 0;
        for (int at = 0; at <= letters.Length; at++)
        {
            if (at < letters.Length && !_missing[ByteAlphabet.ByteOf(letters[at])])
            {
                continue;
            }

            tokens.AddRange(start == at ? []
                : _letters!.EncodeToIds(letters[start..at], considerPreTokenization: false, considerNormalization: false));
            bool follows = start == at && at > 0;
            if (at < letters.Length && !(follows && _fusesUnknown))
            {
                tokens.Add(_unknown);
            }

            start = at + 1;
        }

        return [.. tokens];
    }
}

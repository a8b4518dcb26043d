using System.Collections.Concurrent;
using Microsoft.ML.Tokenizers;

namespace MiniOneRec.Modeling;

/// <summary>Merges the bytes of one piece of text into tokens; safe for concurrent use.</summary>
internal sealed class BytePairEncoder
{
    private const int CachedPieces = 1 << 16;
    private const int LongestCachedPiece = 32;

    private readonly BpeTokenizer _bpe;
    private readonly IReadOnlyDictionary<string, int> _vocabulary;
    private readonly bool _ignoreMerges;
    private readonly ConcurrentDictionary<string, int[]> _cache = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private int _cached;

    /// <param name="vocabulary">Token ids by token, spelled in the byte alphabet.</param>
    /// <param name="merges">Pairs that merge, first pair first, as <c>left right</c>.</param>
    /// <param name="ignoreMerges">Whether a piece that is a token stays whole, whatever the merges say.</param>
    public BytePairEncoder(IReadOnlyDictionary<string, int> vocabulary, IEnumerable<string> merges, bool ignoreMerges)
    {
        (_vocabulary, _ignoreMerges) = (vocabulary, ignoreMerges);
        _bpe = BpeTokenizer.Create(new BpeOptions(vocabulary) { Merges = merges, ByteLevel = true });
        _lookup = _cache.GetAlternateLookup<ReadOnlySpan<char>>();
    }

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
            : [.. _bpe.EncodeToIds(piece, considerPreTokenization: false, considerNormalization: false)];
        tokens.AddRange(made);
        if (piece.Length <= LongestCachedPiece && _cached < CachedPieces && _lookup.TryAdd(piece, made))
        {
            Interlocked.Increment(ref _cached);
        }
    }
}

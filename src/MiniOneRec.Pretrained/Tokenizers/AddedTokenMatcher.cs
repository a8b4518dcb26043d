using System.Buffers;
using System.Collections.Frozen;
using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>Finds added tokens in text: the leftmost, and of those that begin there the longest.</summary>
internal sealed class AddedTokenMatcher
{
    private readonly Dictionary<string, AddedToken> _tokens = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AddedToken>.AlternateLookup<ReadOnlySpan<char>> _lookup;
    private readonly FrozenDictionary<char, int[]> _lengths;            // of the tokens that begin with a character, longest first
    private readonly SearchValues<char> _starts;

    public AddedTokenMatcher(IEnumerable<AddedToken> tokens, Func<string, string> textOf)
    {
        foreach (var token in tokens)
        {
            if (textOf(token.Content) is { Length: > 0 } text)
            {
                _tokens.TryAdd(text, token);
            }
        }

        _lookup = _tokens.GetAlternateLookup<ReadOnlySpan<char>>();
        _lengths = _tokens.Keys.GroupBy(text => text[0]).ToFrozenDictionary(
            group => group.Key, group => group.Select(text => text.Length).Distinct().OrderDescending().ToArray());
        _starts = SearchValues.Create([.. _lengths.Keys]);
    }

    /// <summary>Finds the next token.</summary>
    /// <param name="text">The text.</param>
    /// <param name="from">Where to begin.</param>
    /// <param name="start">The first character of what the token covers.</param>
    /// <param name="end">One past the last character of what the token covers.</param>
    /// <returns>The token, or <see langword="null"/> where none follows.</returns>
    public AddedToken? Next(ReadOnlySpan<char> text, int from, out int start, out int end)
    {
        for (int at = from; at < text.Length; at++)
        {
            int skip = text[at..].IndexOfAny(_starts);
            if (skip < 0)
            {
                break;
            }

            at += skip;
            if (Longest(text, at, out int length) is not { } token)
            {
                continue;
            }

            if (token.SingleWord && !StandsAlone(text, at, at + length))
            {
                at += length - 1;                               // found and thrown away: the search goes on behind it
                continue;
            }

            (start, end) = (at, at + length);
            while (token.LeftStrip && start > from && char.IsWhiteSpace(text[start - 1]))
            {
                start--;
            }

            while (token.RightStrip && end < text.Length && char.IsWhiteSpace(text[end]))
            {
                end++;
            }

            return token;
        }

        (start, end) = (text.Length, text.Length);
        return null;
    }

    private static bool StandsAlone(ReadOnlySpan<char> text, int start, int end) =>
        (start == 0 || !IsWord(text[..start], last: true)) && (end == text.Length || !IsWord(text[end..], last: false));

    private static bool IsWord(ReadOnlySpan<char> text, bool last)
    {
        _ = last ? Rune.DecodeLastFromUtf16(text, out var rune, out int _) : Rune.DecodeFromUtf16(text, out rune, out _);
        return rune.Value == '_' || Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune) is
            System.Globalization.UnicodeCategory.NonSpacingMark or System.Globalization.UnicodeCategory.SpacingCombiningMark
            or System.Globalization.UnicodeCategory.ConnectorPunctuation;
    }

    private AddedToken? Longest(ReadOnlySpan<char> text, int at, out int length)
    {
        foreach (int candidate in _lengths[text[at]])
        {
            if (candidate <= text.Length - at && _lookup.TryGetValue(text.Slice(at, candidate), out var token))
            {
                length = candidate;
                return token;
            }
        }

        length = 0;
        return null;
    }
}

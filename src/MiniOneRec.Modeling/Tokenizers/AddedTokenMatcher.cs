using System.Buffers;
using System.Collections.Frozen;
using System.Text;

namespace MiniOneRec.Modeling;

/// <summary>Finds added tokens in text: the leftmost, and of those that begin there the longest.</summary>
internal sealed class AddedTokenMatcher
{
    private readonly FrozenDictionary<long, int> _edges;                // (node, character) to node; node 0 is the root
    private readonly FrozenDictionary<int, AddedToken> _ends;
    private readonly SearchValues<char> _starts;

    public AddedTokenMatcher(IEnumerable<AddedToken> tokens, Func<string, string> textOf)
    {
        var edges = new Dictionary<long, int>();
        var ends = new Dictionary<int, AddedToken>();
        var starts = new HashSet<char>();
        foreach (var token in tokens)
        {
            string text = textOf(token.Content);
            if (text.Length == 0)
            {
                continue;
            }

            int node = 0;
            foreach (char c in text)
            {
                if (!edges.TryGetValue(Edge(node, c), out int next))
                {
                    next = edges.Count + 1;
                    edges.Add(Edge(node, c), next);
                }

                node = next;
            }

            ends.TryAdd(node, token);
            starts.Add(text[0]);
        }

        (_edges, _ends, _starts) = (edges.ToFrozenDictionary(), ends.ToFrozenDictionary(), SearchValues.Create([.. starts]));
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
            if (Longest(text, at, out int length) is not { } token || (token.SingleWord && !StandsAlone(text, at, at + length)))
            {
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

    private static long Edge(int node, char c) => ((long)node << 16) | c;

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
        AddedToken? found = null;
        int node = 0;
        length = 0;
        for (int i = at; i < text.Length && _edges.TryGetValue(Edge(node, text[i]), out node); i++)
        {
            if (_ends.TryGetValue(node, out var token))
            {
                (found, length) = (token, i + 1 - at);
            }
        }

        return found;
    }
}

using System.Text.RegularExpressions;

namespace MiniOneRec.Pretrained;

/// <summary>One rule that cuts text into pieces across which nothing is merged.</summary>
internal abstract class SplitRule
{
    /// <summary>Cuts one piece.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="piece">The piece to cut.</param>
    /// <param name="pieces">Receives the parts, in order.</param>
    public abstract void Split(ReadOnlySpan<char> text, Range piece, List<Range> pieces);
}

/// <summary>Cuts at the matches of a pattern.</summary>
/// <param name="pattern">The pattern; runs under a time limit, for it comes from a file.</param>
/// <param name="behavior">What becomes of the matches.</param>
/// <param name="invert">Whether the pattern matches what lies between instead.</param>
internal sealed class PatternRule(Regex pattern, SplitBehavior behavior, bool invert) : SplitRule
{
    public override void Split(ReadOnlySpan<char> text, Range piece, List<Range> pieces)
    {
        var (offset, length) = piece.GetOffsetAndLength(text.Length);
        int done = 0, first = pieces.Count;
        bool previousMatched = false;
        try
        {
            foreach (var match in pattern.EnumerateMatches(text.Slice(offset, length)))
            {
                Add(done, match.Index, invert);
                Add(match.Index, match.Index + match.Length, !invert);
                done = match.Index + match.Length;
            }
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new InvalidDataException(
                $"The tokenizer's pattern '{pattern}' did not finish within {pattern.MatchTimeout.TotalSeconds} s on one piece of text.",
                e);
        }

        Add(done, length, invert);

        void Add(int start, int end, bool matched)
        {
            if (start == end)
            {
                return;
            }

            var part = new Range(offset + start, offset + end);
            bool glue = pieces.Count > first && behavior switch
            {
                SplitBehavior.MergedWithPrevious => matched && !previousMatched,
                SplitBehavior.MergedWithNext => !matched && previousMatched,
                SplitBehavior.Contiguous => matched == previousMatched,
                _ => false,
            };
            if (glue)
            {
                pieces[^1] = new Range(pieces[^1].Start, part.End);
            }
            else if (!matched || behavior != SplitBehavior.Removed)
            {
                pieces.Add(part);
            }

            previousMatched = matched;
        }
    }
}

/// <summary>Cuts numbers off, whole or digit by digit.</summary>
/// <param name="individual">Whether each digit is a piece of its own.</param>
internal sealed class DigitRule(bool individual) : SplitRule
{
    public override void Split(ReadOnlySpan<char> text, Range piece, List<Range> pieces)
    {
        var (offset, length) = piece.GetOffsetAndLength(text.Length);
        int start = offset, end = offset + length;
        for (int at = offset; at < end; at++)
        {
            bool number = char.IsNumber(text[at]);
            if (at > start && (number != char.IsNumber(text[at - 1]) || (number && individual)))
            {
                pieces.Add(start..at);
                start = at;
            }
        }

        if (start < end)
        {
            pieces.Add(start..end);
        }
    }
}

/// <summary>What becomes of the text that a pattern matched.</summary>
internal enum SplitBehavior
{
    Isolated,
    Removed,
    MergedWithPrevious,
    MergedWithNext,
    Contiguous,
}

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace MiniOneRec.Pretrained;

/// <summary>Changes text before it is cut, as the <c>normalizer</c> of a <c>tokenizer.json</c> says.</summary>
/// <param name="steps">The steps, in order.</param>
internal sealed class TextNormalizer(IReadOnlyList<Func<string, string>> steps)
{
    /// <summary>A text may become this many times as long, beyond <see cref="FreeLength"/>.</summary>
    public const int LongestGrowth = 64;

    /// <summary>Texts up to this length may come from any text.</summary>
    public const int FreeLength = 1 << 16;

    /// <summary>Normalises a text.</summary>
    /// <exception cref="InvalidDataException">The steps make a short text very long, or a pattern takes forever.</exception>
    public string Apply(string text)
    {
        string made = text;
        foreach (var step in steps)
        {
            made = step(made);
            if (made.Length > Limit(text.Length))
            {
                throw TooLong(text.Length);
            }
        }

        return made;
    }

    /// <summary>Brings text into a Unicode form.</summary>
    /// <remarks>U+FFFE is no character and stays as it is; .NET normalises no text that holds it.</remarks>
    public static string ToForm(string text, NormalizationForm form) => text.Contains('\uFFFE', StringComparison.Ordinal)
        ? string.Join('\uFFFE', text.Split('\uFFFE').Select(part => part.Normalize(form)))
        : text.Normalize(form);

    /// <summary>Makes letters small, each by itself.</summary>
    public static string ToLower(string text) => text.Replace("\u0130", "i\u0307", StringComparison.Ordinal).ToLowerInvariant();

    /// <summary>Drops marks that stand on letters.</summary>
    public static string WithoutAccents(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) is not UnicodeCategory.NonSpacingMark)
            {
                kept.Append(rune.ToString());
            }
        }

        return kept.ToString();
    }

    /// <summary>Puts a text in place of each match.</summary>
    /// <exception cref="InvalidDataException">The result would be very long, or the pattern takes forever.</exception>
    public static string Replace(string text, Regex pattern, string content)
    {
        long length = text.Length;
        try
        {
            return pattern.Replace(text, match =>
            {
                length += content.Length - match.Length;
                return length <= Limit(text.Length) ? content : throw TooLong(text.Length);
            });
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new InvalidDataException(
                $"The tokenizer's normalizer pattern '{pattern}' did not finish within {pattern.MatchTimeout.TotalSeconds} s on one text.",
                e);
        }
    }

    private static long Limit(int length) => FreeLength + ((long)LongestGrowth * length);

    private static InvalidDataException TooLong(int length) =>
        new(
            $"The tokenizer's normalizer makes a text of {length} characters more than {Limit(length)} characters long; "
            + "expected steps that keep text short.");
}

using System.Globalization;
using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>Applies the rules of a tokenizer one after the other.</summary>
/// <param name="rules">The rules; none leaves the text whole.</param>
internal sealed class TextSplitter(IReadOnlyList<SplitRule> rules)
{
    /// <summary>Cuts text into pieces.</summary>
    /// <param name="text">The text, valid UTF-16.</param>
    /// <param name="pieces">Receives the pieces, in order.</param>
    public void Split(ReadOnlySpan<char> text, List<Range> pieces)
    {
        pieces.Clear();
        if (text.IndexOfAnyInRange('\uD800', '\uDFFF') >= 0)
        {
            SplitBeyondTheBasicPlane(text, pieces);
        }
        else
        {
            Apply(text, pieces);
        }
    }

    /// <summary>
    /// Regular expressions here see UTF-16 units, the rules mean code points: characters of two units are cut as stand-ins of one unit and
    /// of the same general category.
    /// </summary>
    private void SplitBeyondTheBasicPlane(ReadOnlySpan<char> text, List<Range> pieces)
    {
        char[] shadow = new char[text.Length];
        int[] origin = new int[text.Length + 1];
        int count = 0;
        for (int at = 0; at < text.Length; count++)
        {
            _ = Rune.DecodeFromUtf16(text[at..], out var rune, out int units);
            shadow[count] = units == 1 ? text[at] : StandIn(Rune.GetUnicodeCategory(rune));
            origin[count] = at;
            at += units;
        }

        origin[count] = text.Length;
        Apply(shadow.AsSpan(0, count), pieces);
        for (int i = 0; i < pieces.Count; i++)
        {
            pieces[i] = new Range(origin[pieces[i].Start.Value], origin[pieces[i].End.Value]);
        }
    }

    private void Apply(ReadOnlySpan<char> text, List<Range> pieces)
    {
        pieces.Add(0..text.Length);
        List<Range>? cut = null;
        foreach (var rule in rules)
        {
            cut ??= new List<Range>(text.Length / 3);
            cut.Clear();
            foreach (var piece in pieces)
            {
                rule.Split(text, piece, cut);
            }

            pieces.Clear();
            pieces.AddRange(cut);
        }
    }

    private static char StandIn(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\u0416',
        UnicodeCategory.LowercaseLetter => '\u0436',
        UnicodeCategory.TitlecaseLetter => '\u01C5',
        UnicodeCategory.ModifierLetter => '\u02B0',
        UnicodeCategory.OtherLetter => '\u4E00',
        UnicodeCategory.NonSpacingMark => '\u0300',
        UnicodeCategory.SpacingCombiningMark => '\u0903',
        UnicodeCategory.EnclosingMark => '\u20DD',
        UnicodeCategory.DecimalDigitNumber => '\u0966',
        UnicodeCategory.LetterNumber => '\u2160',
        UnicodeCategory.OtherNumber => '\u00BC',
        UnicodeCategory.ConnectorPunctuation => '\u203F',
        UnicodeCategory.DashPunctuation => '\u2014',
        UnicodeCategory.OpenPunctuation => '\u3008',
        UnicodeCategory.ClosePunctuation => '\u3009',
        UnicodeCategory.InitialQuotePunctuation => '\u00AB',
        UnicodeCategory.FinalQuotePunctuation => '\u00BB',
        UnicodeCategory.OtherPunctuation => '\u00A7',
        UnicodeCategory.MathSymbol => '\u00D7',
        UnicodeCategory.CurrencySymbol => '\u20AC',
        UnicodeCategory.ModifierSymbol => '\u00B8',
        UnicodeCategory.Format => '\u200B',
        UnicodeCategory.PrivateUse => '\uE000',
        UnicodeCategory.OtherNotAssigned => '\u0378',
        _ => '\u2603',
    };
}

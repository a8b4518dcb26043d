using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace MiniOneRec.Tokenization;

/// <summary>Turns an item into the text that is encoded, by one cleaning rule for all fields.</summary>
public static partial class ItemText
{
    /// <summary>Describes an item: title, brand, categories and description, each a sentence; empty fields are left out.</summary>
    /// <param name="item">The item.</param>
    /// <returns>Clean text of any length, empty where the item has no text at all; encoders truncate, nothing is dropped here.</returns>
    public static string Describe(Item item)
    {
        ArgumentNullException.ThrowIfNull(item);

        var text = new StringBuilder();
        Append(text, Clean(item.Title));
        Append(text, Clean(item.Brand ?? ""));
        Append(text, string.Join(", ", item.Categories.Select(Clean).Where(category => category.Length > 0)));
        Append(text, Clean(item.Description ?? ""));
        return text.ToString();
    }

    /// <summary>Cleans one field: character references decoded, markup removed, white space collapsed, none before a stop, Unicode composed
    /// (NFC).</summary>
    /// <param name="text">The raw text.</param>
    public static string Clean(string text)
    {
        ArgumentNullException.ThrowIfNull(text);

        // Shops escape twice now and then: &amp;quot; becomes &quot; and then a quotation mark.
        string decoded = WebUtility.HtmlDecode(WebUtility.HtmlDecode(text));
        string plain = Markup().Replace(ScriptOrStyle().Replace(decoded, " "), " ");
        return SpaceBeforeStop().Replace(WhiteSpace().Replace(plain.Normalize(NormalizationForm.FormC), " "), "").Trim();
    }

    /// <summary>Keeps the first words of a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="maxWords">The number of words between white space to keep, at least 1.</param>
    public static string Truncate(string text, int maxWords)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxWords, 1);

        int words = 0;
        for (int i = 0; i < text.Length; i++)
        {
            bool starts = !char.IsWhiteSpace(text[i]) && (i == 0 || char.IsWhiteSpace(text[i - 1]));
            if (starts && ++words > maxWords)
            {
                return text[..i].TrimEnd();
            }
        }

        return text;
    }

    private static void Append(StringBuilder text, string field)
    {
        if (field.Length == 0)
        {
            return;
        }

        text.Append(text.Length > 0 ? " " : "").Append(field);
        if (!char.IsPunctuation(field[^1]))
        {
            text.Append('.');
        }
    }

    [GeneratedRegex(@"<(script|style)\b[^>]*>.*?</\1\s*>", RegexOptions.IgnoreCase | RegexOptions.Singleline)]
    private static partial Regex ScriptOrStyle();

    [GeneratedRegex(@"<!--.*?-->|</?[a-zA-Z][^<>]*>", RegexOptions.Singleline)]
    private static partial Regex Markup();

    [GeneratedRegex(@" (?=[.,;:!?](\s|$))")]
    private static partial Regex SpaceBeforeStop();

    [GeneratedRegex(@"\s+")]
    private static partial Regex WhiteSpace();
}

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Cleans texts in SQL.</summary>
internal static class TextSql
{
    private static readonly (string From, string To)[] References =
        [("&nbsp;", " "), ("&quot;", "\""), ("&#39;", "'"), ("&apos;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];

    /// <summary>A text without markup, with characters for references, and with single spaces.</summary>
    /// <param name="text">The column.</param>
    public static string Cleaned(string text)
    {
        string clean = $"regexp_replace({text}, '<[^>]*>', ' ', 'g')";
        foreach (var (from, to) in References)
        {
            clean = $"replace({clean}, {Sql.Text(from)}, {Sql.Text(to)})";
        }

        return $"trim(regexp_replace({clean}, '\\s+', ' ', 'g'))";
    }
}

using System.Text;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>What a column of a log is for.</summary>
internal enum Role
{
    User,
    Item,
    Time,
    Event,
    Rating,
    Weight,
}

/// <summary>Finds columns by the names that they usually have, in English and German.</summary>
internal static class ColumnNames
{
    private static readonly Dictionary<Role, string[]> Usual = new()
    {
        [Role.User] =
        [
            "userid", "user", "uid", "username", "reviewerid", "customerid", "customer", "clientid", "visitorid", "memberid", "accountid",
                "sessionid", "session",
            "kundennummer", "kundennr", "kundenid", "kunde", "nutzerid", "nutzer", "benutzerid", "benutzer", "besucher", "besucherid",
        ],
        [Role.Item] =
        [
            "itemid", "item", "iid", "itemids", "items", "parentasin", "asin", "productid", "product", "sku", "articleid", "article",
                "movieid", "videoid", "businessid",
            "trackid", "songid", "bookid", "isbn", "newsid", "pid", "gameid", "artistid",
            "artikelnummer", "artikelnr", "artikelid", "artikel", "produktnummer", "produktnr", "produktid", "produkt",
        ],
        [Role.Time] =
        [
            "timestamp", "timestamps", "time", "ts", "unixreviewtime", "eventtime", "datetime", "createdat", "orderdate", "orderedat",
                "purchasedat", "purchasedate", "date",
            "zeitstempel", "zeitpunkt", "zeit", "datumzeit", "bestelldatum", "bestellzeit", "kaufdatum", "datum",
        ],
        [Role.Event] =
        ["eventtype", "event", "interactiontype", "action", "behaviortype", "behavior", "behaviour", "ereignistyp", "ereignis", "aktion"],
        [Role.Rating] = ["rating", "ratings", "stars", "overall", "score", "bewertung", "sterne", "note"],
        [Role.Weight] = ["weight", "weights", "quantity", "qty", "plays", "playcount", "watchratio", "gewicht", "menge", "anzahl"],
    };

    /// <summary>Finds the column of a role, or <see langword="null"/>.</summary>
    public static string? Guess(Role role, IReadOnlyList<TableColumn> columns) => Guess(Usual[role], columns);

    /// <summary>Finds the first column that has one of some names, in the order of these names.</summary>
    public static string? Guess(IEnumerable<string> usual, IReadOnlyList<TableColumn> columns) =>
        usual.Select(name => columns.FirstOrDefault(column => Plain(column.Name) == name).Name).FirstOrDefault(name => name is not null);

    /// <summary>A name in small letters without anything but letters and digits.</summary>
    public static string Plain(string name)
    {
        var plain = new StringBuilder(name.Length);
        foreach (char c in name.Trim('\uFEFF').ToLowerInvariant())
        {
            plain.Append(c switch { 'ä' => "ae", 'ö' => "oe", 'ü' => "ue", 'ß' => "ss", _ => char.IsLetterOrDigit(c) ? c.ToString() : "" });
        }

        return plain.ToString();
    }

    /// <summary>The name that is most like another one.</summary>
    public static string Nearest(string name, IEnumerable<string> names) =>
        names.MinBy(other => Distance(Plain(name), Plain(other))) ?? "";

    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            (int diagonal, row[0]) = (row[0], i);
            for (int j = 1; j <= b.Length; j++)
            {
                int cost = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(cost, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[^1];
    }
}

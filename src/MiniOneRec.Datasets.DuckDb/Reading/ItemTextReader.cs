using System.Data.Common;
using System.Globalization;
using DuckDB.NET.Data;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Reads item texts, by our own readers where there is one for the layout, into the table <c>item_texts</c>.</summary>
internal sealed class ItemTextReader(
    DuckDbSession session, DuckDbSourceOptions options, InteractionFormat format, Action<string> say, CancellationToken cancellationToken)
{
    /// <summary>The table that is filled.</summary>
    public const string Create =
        "CREATE TABLE item_texts (seq BIGINT, item_id VARCHAR, title VARCHAR, description VARCHAR, brand VARCHAR, "
        + "categories VARCHAR, attributes VARCHAR)";

    private static readonly string[] Ids =
    [
        "itemid", "item", "parentasin", "asin", "productid", "product", "sku", "articleid", "article", "movieid", "videoid", "businessid",
            "trackid", "songid", "bookid",
        "isbn", "newsid", "pid", "gameid", "artistid", "artikelnummer", "artikelnr", "artikelid", "artikel", "produktnummer", "produktnr",
            "produktid", "produkt", "id",
    ];

    private static readonly string[] Titles =
        ["title", "itemtitle", "producttitle", "movietitle", "name", "productname", "itemname", "titel", "bezeichnung", "artikelname",
            "produktname", "artikelbezeichnung", "caption"];

    private static readonly string[] Descriptions = ["description", "desc", "text", "beschreibung"];
    private static readonly string[] Brands = ["brand", "store", "manufacturer", "publisher", "author", "marke", "hersteller"];
    private static readonly string[] Categories =
        ["categories", "category", "genres", "genre", "kategorien", "kategorie", "warengruppe", "tags"];

    /// <summary>Reads the files.</summary>
    /// <param name="runs">Whether rows are read; otherwise only the table is made.</param>
    /// <returns>How many entries there are.</returns>
    public async Task<long> ReadAsync(bool runs)
    {
        session.Execute(Create, cancellationToken);
        long count = 0;
        if (!runs)
        {
            return count;
        }

        string subject = session.Subject;
        foreach (string file in InputFiles.Find(options.Items, nameof(options.Items)))
        {
            session.Subject = $"Items file '{file}'";
            var items = Read(file);
            using var appender = session.Connection.CreateAppender("item_texts");
            await foreach (var item in items.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                appender.CreateRow().AppendValue(count++).AppendValue(item.Id).AppendValue(item.Title).AppendValue(item.Description)
                    .AppendValue(item.Brand)
                    .AppendValue(ItemJson.Categories(item)).AppendValue(ItemJson.Attributes(item)).EndRow();
            }
        }

        session.Subject = subject;
        return count;
    }

    private IAsyncEnumerable<Item> Read(string file)
    {
        string plain = InputFiles.Unpacked(file);
        bool packedByZstandard = file.EndsWith(".zst", StringComparison.OrdinalIgnoreCase);
        bool Ends(string end) => plain.EndsWith(end, StringComparison.OrdinalIgnoreCase);
        IAsyncEnumerable<Item>? ours = Ends(".item") ? ItemFileReader.ReadAsync(file, options.Limits, cancellationToken)
            : Ends(".item.json") ? ItemJsonReader.ReadAsync(file, options.Limits, cancellationToken)
            : InputFiles.KindOf(file) == FileKind.Json ? format switch
            {
                InteractionFormat.Amazon2018 or InteractionFormat.Amazon2018Ratings =>
                    AmazonReviewsReader.ReadItemsAsync(file, AmazonReviewsFormat.V2018, options.Limits, cancellationToken),
                InteractionFormat.Amazon2023 =>
                    AmazonReviewsReader.ReadItemsAsync(file, AmazonReviewsFormat.V2023, options.Limits, cancellationToken),
                InteractionFormat.Steam => SteamReader.ReadItemsAsync(file, options.Limits, cancellationToken),
                _ => null,
            }
            : null;
        return ours is null ? Table(file).ToAsyncEnumerable()
            : !packedByZstandard ? ours
            : throw new InvalidDataException(
                $"Items file '{file}': this layout is read from plain files and from .gz; unpack the .zst file, or pack it as .gz.");
    }

    private IEnumerable<Item> Table(string file)
    {
        string[] one = [file];
        string relation = InputFiles.OneKind(one, nameof(options.Items)) switch
        {
            FileKind.Parquet => Relations.Parquet(one),
            FileKind.Json => Relations.Json(one),
            FileKind.Dat => Relations.Headless(one, "::", options.Encoding ?? "latin-1", "item_id", "title", "genres"),
            FileKind.Csv =>
            Relations.Csv(one, format == InteractionFormat.Table ? options : new DuckDbSourceOptions { Encoding = options.Encoding }),
            var kind => throw new InvalidDataException(
                $"Items file '{file}' is of the kind {kind}, which holds no item texts; expected .item, "
                + ".item.json, Parquet, CSV or JSON lines."),
        };
        var columns = session.Describe(relation, cancellationToken);
        string id = ColumnNames.Guess(Ids, columns)
            ?? throw new InvalidDataException(
                $"Items file '{file}' has no column of ids; expected one such as 'item_id', "
                + $"but it has {string.Join(", ", columns.Select(column => $"'{column.Name}'"))}."
                + (columns.Count == 1
                    ? " A single column points to another delimiter, or to a row that holds the delimiter without quotes; "
                    + "set Delimiter (--delimiter) or repair the file." : ""));
        var places = new[] { id, ColumnNames.Guess(Titles, columns), ColumnNames.Guess(Descriptions, columns),
            ColumnNames.Guess(Brands, columns), ColumnNames.Guess(Categories, columns) }
            .Select(name => name is null ? -1 : columns.Select(column => column.Name).ToList().IndexOf(name)).ToArray();
        var read = new[] { "id", "title", "description", "brand", "categories" }.Zip(places).Where(pair => pair.Second >= 0)
            .Select(pair => $"{pair.First} = '{columns[pair.Second].Name}'");
        say($"Columns of '{file}': {string.Join(", ", read)}.");
        using var command = session.Connection.CreateCommand();
        command.CommandText = $"SELECT * FROM {relation}";
        command.UseStreamingMode = true;
        using var reader = Reading(command.ExecuteReader);
        while (Reading(reader.Read))
        {
            if (Text(reader, places[0])?.Trim() is { Length: > 0 } key)
            {
                yield return new Item
                {
                    Id = key,
                    Title = Text(reader, places[1]) ?? "",
                    Description = Text(reader, places[2]),
                    Brand = Text(reader, places[3]),
                    Categories = places[4] < 0 ? [] : CategoriesOf(reader.GetValue(places[4])),
                    Attributes = Others(reader, columns, places),
                };
            }
        }
    }

    private T Reading<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DuckDBException e)
        {
            throw DuckDbErrors.Translate(e, session.Subject, options);
        }
    }

    private static string? Text(DbDataReader reader, int place) => place < 0 ? null : List(reader.GetValue(place)) is { Count: > 0 } list
        ? string.Join(' ', list) : null;

    private static IReadOnlyList<string> List(object value) => value switch
    {
        DBNull or "" => [],
        string text => [text],
        System.Collections.IEnumerable many =>
        [.. many.Cast<object?>().Select(part => Convert.ToString(part, CultureInfo.InvariantCulture) ?? "").Where(part => part.Length > 0)],
        _ => [Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""],
    };

    // MovieLens separates genres by '|', Yelp categories by ', '.
    private IReadOnlyList<string> CategoriesOf(object value) => List(value) is [var text]
        ? [.. text.Split(format == InteractionFormat.Yelp ? ',' : '|',
            StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)]
        : List(value);

    private static Dictionary<string, AttributeValue> Others(DbDataReader reader, IReadOnlyList<TableColumn> columns, int[] used)
    {
        var attributes = new Dictionary<string, AttributeValue>(StringComparer.Ordinal);
        for (int place = 0; place < columns.Count; place++)
        {
            if (!used.Contains(place) && Attribute(reader.GetValue(place)) is { } value)
            {
                attributes[columns[place].Name] = value;
            }
        }

        return attributes;
    }

    private static AttributeValue? Attribute(object value) => value switch
    {
        DBNull or "" => (AttributeValue?)null,
        bool truth => truth,
        string text when ItemJson.Number(text) is { } number => number,
        string text => text,
        double number when !double.IsFinite(number) => null,
        double or float or decimal or sbyte or byte or short or ushort or int or uint or long or ulong =>
        Convert.ToDouble(value, CultureInfo.InvariantCulture),
        IEnumerable<string> texts => new AttributeValue(texts),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => null,
    };
}

using System.Globalization;
using System.Text;
using MiniOneRec.Cli.Output;
using MiniOneRec.Datasets;

namespace MiniOneRec.Cli;

/// <summary>Writes the files of an invented shop.</summary>
internal static class DemoFiles
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes orders and products.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="format"><c>parquet</c>, <c>csv</c> or <c>recbole</c>.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    /// <returns>Both files.</returns>
    public static async Task<(string Orders, string Products)> WriteAsync(string folder, string format, CancellationToken cancellationToken)
    {
        var data = DemoCatalogue.Create();
        bool recbole = format == "recbole";
        string products = Path.Combine(folder, recbole ? "products.item" : "products.csv");
        await AtomicFile.WriteTextAsync(products, recbole ? ProductsAsAtoms(data) : ProductsAsCsv(data), cancellationToken);
        string orders = Path.Combine(folder, format switch { "parquet" => "orders.parquet", "csv" => "orders.csv", _ => "orders.inter" });
        if (format == "parquet")
        {
            using var table = new ParquetTable([("user_id", "VARCHAR"), ("item_id", "VARCHAR"), ("ordered_at", "BIGINT")]);
            foreach (var (user, item, day) in Orders(data))
            {
                table.Add(user, item, day.ToUnixTimeSeconds());
            }

            await table.SaveAsync(orders, cancellationToken);
        }
        else
        {
            var text = new StringBuilder(recbole ? "user_id:token\titem_id:token\ttimestamp:float\n" : "user_id,item_id,ordered_at\n");
            foreach (var (user, item, day) in Orders(data))
            {
                text.Append(recbole
                    ? string.Create(CultureInfo.InvariantCulture, $"{user}\t{item}\t{day.ToUnixTimeSeconds()}\n")
                    : string.Create(CultureInfo.InvariantCulture, $"{CsvText.Quoted(user)},{CsvText.Quoted(item)},{day:yyyy-MM-dd}\n"));
            }

            await AtomicFile.WriteTextAsync(orders, text.ToString(), cancellationToken);
        }

        return (orders, products);
    }

    // One order a day for every user, oldest first.
    private static IEnumerable<(string User, string Item, DateTimeOffset Day)> Orders(InteractionDataset data) =>
        data.Sequences.SelectMany(sequence => sequence.ItemIds.Select((item, day) => (sequence.UserId, item, Start.AddDays(day))));

    private static string ProductsAsAtoms(InteractionDataset data)
    {
        var text = new StringBuilder("item_id:token\ttitle:token_seq\tcategories:token_seq\n");
        foreach (var item in data.Items)
        {
            text.Append(CultureInfo.InvariantCulture, $"{item.Id}\t{item.Title}\t{string.Join(' ', item.Categories)}\n");
        }

        return text.ToString();
    }

    private static string ProductsAsCsv(InteractionDataset data)
    {
        var text = new StringBuilder("item_id,title,categories\n");
        foreach (var item in data.Items)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{CsvText.Quoted(item.Id)},{CsvText.Quoted(item.Title)},{CsvText.Quoted(string.Join(", ", item.Categories))}\n");
        }

        return text.ToString();
    }
}

using System.CommandLine;
using System.Globalization;
using System.Text;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Datasets;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>demo</c>: writes the files of an invented shop and runs them.</summary>
internal static class DemoCommand
{
    private static readonly Option<string> Output =
        new("--output", "-o") { Description = "Folder of the demo.", HelpName = "DIR", DefaultValueFactory = _ => "minionerec-demo" };
    private static readonly Option<bool> FilesOnly = new("--files-only") { Description = "Write the files and stop." };

    public static Command Create(CliContext context)
    {
        var command = new Command("demo", "Write the files of an invented shop, and run them in about two minutes.");
        command.Options.Add(Output);
        command.Options.Add(FilesOnly);
        command.SetAction(async (line, cancellationToken) =>
        {
            var reporter = context.Reporter(line);
            string folder = Directory.CreateDirectory(line.GetValue(Output)!).FullName;
            string orders = Path.Combine(folder, "orders.inter"), products = Path.Combine(folder, "products.item");
            var data = DemoCatalogue.Create();
            await AtomicFile.WriteTextAsync(orders, Orders(data), cancellationToken);
            await AtomicFile.WriteTextAsync(products, Products(data), cancellationToken);
            reporter.Value("orders", orders);
            reporter.Value("products", products);
            if (line.GetValue(FilesOnly))
            {
                return ExitCodes.Success;
            }

            var settings = SettingsFile.Read(null,
            [
                KeyValuePair.Create("Data:Interactions", (string?)orders), KeyValuePair.Create("Data:Items", (string?)products),
                KeyValuePair.Create("Data:Split", (string?)"leave-one-out"), KeyValuePair.Create("Preset", (string?)"default"),
                KeyValuePair.Create("Recipe:Output", (string?)Path.Combine(folder, "run")),
                KeyValuePair.Create("Recipe:SkipReinforcement", (string?)"true"),
                KeyValuePair.Create("Recipe:Baselines:0", (string?)"popularity"),
                KeyValuePair.Create("Recipe:Baselines:1", (string?)"sequential-rules"),
            ]);
            return await RunCommand.RunAsync(settings, restart: false, reporter, cancellationToken);
        });
        return command;
    }

    // One order a day for every user, oldest first.
    private static string Orders(InteractionDataset data)
    {
        var text = new StringBuilder("user_id:token\titem_id:token\ttimestamp:float\n");
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        foreach (var sequence in data.Sequences)
        {
            for (int i = 0; i < sequence.ItemIds.Count; i++)
            {
                text.Append(CultureInfo.InvariantCulture,
                    $"{sequence.UserId}\t{sequence.ItemIds[i]}\t{start.AddDays(i).ToUnixTimeSeconds()}\n");
            }
        }

        return text.ToString();
    }

    private static string Products(InteractionDataset data)
    {
        var text = new StringBuilder("item_id:token\ttitle:token_seq\tcategories:token_seq\n");
        foreach (var item in data.Items)
        {
            text.Append(CultureInfo.InvariantCulture, $"{item.Id}\t{item.Title}\t{string.Join(' ', item.Categories)}\n");
        }

        return text.ToString();
    }
}

using System.CommandLine;
using MiniOneRec.Cli.Settings;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>demo</c>: writes the files of an invented shop and runs them.</summary>
internal static class DemoCommand
{
    private static readonly Option<string> Output =
        new("--output", "-o") { Description = "Folder of the demo.", HelpName = "DIR", DefaultValueFactory = _ => "minionerec-demo" };
    private static readonly Option<string> Format = new("--format") { Description =
        "Form of the files: parquet (with products as CSV), csv, or recbole.", DefaultValueFactory = _ => "recbole" };
    private static readonly Option<bool> Restart = new("--restart") { Description = "Begin anew where the folder holds a run." };
    private static readonly Option<bool> FilesOnly = new("--files-only") { Description = "Write the files and stop." };

    public static Command Create(CliContext context)
    {
        var command = new Command("demo", "Write the files of an invented shop, and run them in about two minutes.");
        command.Options.Add(Output);
        command.Options.Add(Format);
        command.Options.Add(FilesOnly);
        command.Options.Add(Restart);
        Format.AcceptOnlyFromAmong("parquet", "csv", "recbole");
        command.SetAction(async (line, cancellationToken) =>
        {
            var reporter = context.Reporter(line);
            string folder = Directory.CreateDirectory(line.GetValue(Output)!).FullName;
            string format = line.GetValue(Format)!;
            var (orders, products) = await DemoFiles.WriteAsync(folder, format, cancellationToken);
            reporter.Value("orders", orders);
            reporter.Value("products", products);
            if (line.GetValue(FilesOnly))
            {
                return ExitCodes.Success;
            }

            var settings = SettingsFile.Read(null,
            [
                KeyValuePair.Create(format == "recbole" ? "Data:Interactions" : "Source:Inputs:0", (string?)orders),
                KeyValuePair.Create(format == "recbole" ? "Data:Items" : "Source:Items:0", (string?)products),
                KeyValuePair.Create(format == "recbole" ? "Data:Split" : "Preparation:Split",
                    (string?)(format == "recbole" ? "leave-one-out" : "LeaveOneOut")),
                KeyValuePair.Create("Preset", (string?)"default"),
                KeyValuePair.Create("Recipe:Budget", (string?)"00:01:40"),          // two minutes with starting and reporting
                KeyValuePair.Create("Recipe:Output", (string?)Path.Combine(folder, "run")),
                KeyValuePair.Create("Recipe:SkipReinforcement", (string?)"true"),
                KeyValuePair.Create("Recipe:Baselines:0", (string?)"popularity"),
                KeyValuePair.Create("Recipe:Baselines:1", (string?)"sequential-rules"),
            ]);
            return await RunCommand.RunAsync(settings, line.GetValue(Restart), reporter, cancellationToken);
        });
        return command;
    }
}

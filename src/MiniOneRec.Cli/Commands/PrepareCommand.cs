using System.CommandLine;
using System.Text.RegularExpressions;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Datasets;
using MiniOneRec.Datasets.DuckDb;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>prepare</c>: from a raw log to filtered, split sequences.</summary>
internal static partial class PrepareCommand
{
    private static readonly Option<string> Output =
        new("--output", "-o") { Description = "The folder to write.", HelpName = "DIR", DefaultValueFactory = _ => "prepared" };
    private static readonly Option<string?> Export = new("--export") { Description =
        "Also write the files of another tool into the folder: recbole. The prepared data then lie in DIR/prepared.", HelpName = "TOOL" };
    private static readonly Option<string?> Name = new("--name")
    {
        Description = "Name of the exported files; the log's by default, for Amazon's without its _5.", HelpName = "NAME",
    };
    private static readonly Option<bool> PrintSql = new("--print-sql") { Description = "Write every step as SQL, and prepare nothing." };
    private static readonly Option<string?> SettingsPath =
        new("--settings") { Description = "Settings, with the sections source and preparation.", HelpName = "FILE.json" };

    public static Command Create(CliContext context)
    {
        var command = new Command("prepare", "Filter, split and save a raw log of interactions.");
        SourceOptions.AddTo(command);
        foreach (Option option in (Option[])[Output, Export, Name, PrintSql, SettingsPath])
        {
            command.Options.Add(option);
        }

        Export.AcceptOnlyFromAmong("recbole");
        command.SetAction(async (line, cancellationToken) =>
        {
            var reporter = context.Reporter(line);
            var settings = SettingsFile.Read(line.GetValue(SettingsPath), SourceOptions.Read(line));
            if (!settings.HasSource)
            {
                throw new ArgumentException("No log is named: give --input FILE or --query SQL.");
            }

            var source = new DuckDbInteractionSource(settings.Source);
            if (line.GetValue(PrintSql))
            {
                await context.Output.WriteLineAsync((await source.PrintSqlAsync(settings.Preparation, cancellationToken: cancellationToken))
                    .ToString());
                return ExitCodes.Success;
            }

            string output = Path.GetFullPath(line.GetValue(Output)!),
                folder = line.GetValue(Export) is null ? output : Path.Combine(output, "prepared");
            var report = await source.SaveAsync(folder, settings.Preparation, new PreparationProgress(reporter), cancellationToken);
            if (line.GetValue(Export) is not null)
            {
                string name = line.GetValue(Name)
                    ?? (settings.Source.Format == InteractionFormat.Amazon2018 ? Core().Replace(report.Name, "") : report.Name);
                var prepared = await PreparedDataset.LoadAsync(folder, cancellationToken: cancellationToken);
                await prepared.ExportRecBoleAsync(output, name, cancellationToken);
            }

            reporter.Table("prepared", ["name", "split", "users", "items", "interactions", "train rows", "validation rows", "test rows"],
                [[report.Name, report.Split, report.Users, report.Items, report.Interactions, report.TrainRows, report.ValidationRows,
                report.TestRows]]);
            reporter.Value("folder", output);
            return ExitCodes.Success;
        });
        return command;
    }

    // Amazon names a log after its k-core: Toolbox_5.json.gz.
    [GeneratedRegex("_[0-9]+$")]
    private static partial Regex Core();
}

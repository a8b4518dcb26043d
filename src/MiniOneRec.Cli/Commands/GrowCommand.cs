using System.CommandLine;
using Microsoft.Extensions.AI;
using MiniOneRec.Datasets;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>grow</c>: gives new items semantic IDs under the quantizer of an index folder.</summary>
internal static class GrowCommand
{
    private static readonly Option<string> Index = new("--index") { Description =
        "Folder that the command index wrote, with text vectors of its own.", HelpName = "DIR", Required = true };
    private static readonly Option<string> Items =
        new("--items") { Description = "The new items (.item.json).", HelpName = "FILE", Required = true };
    private static readonly Option<string?> Encoder =
        TextEncoders.Option("that of the folder by default, else the one that the run was made with");
    private static readonly Option<string?> Model =
        new("--model", "-m") { Description = "A model whose catalogue grows along.", HelpName = "DIR" };

    public static Command Create(CliContext context)
    {
        var command = new Command("grow", "Give new items semantic IDs; no item that is there moves.");
        foreach (Option option in (Option[])[Index, Items, Encoder, Model])
        {
            command.Options.Add(option);
        }

        command.SetAction(async (line, cancellationToken) =>
        {
            NativeTuning.Apply();
            var reporter = context.Reporter(line);
            string folder = line.GetRequiredValue(Index), encoderFolder = Path.Combine(folder, "encoder");
            bool fitted = Directory.Exists(encoderFolder);
            string? given = TextEncoders.PathOf(line.GetValue(Encoder)) ?? (fitted ? null : TextEncoders.OfRun(folder));
            if (given is null && !fitted)
            {
                throw new DirectoryNotFoundException(
                    $"'{folder}' holds no text encoder: its vectors were given. Name the encoder that made them with --encoder.");
            }

            using IEmbeddingGenerator<string, Embedding<float>> encoder = given is null
                ? await TfIdfEncoder.LoadAsync(encoderFolder, cancellationToken: cancellationToken)
                : await TextEncoders.OpenAsync(given, "cpu", new MiniOneRecOptions(), cancellationToken);
            var catalogue = await SemanticIdCatalogue.LoadAsync(Path.Combine(folder, "catalogue"), cancellationToken: cancellationToken);
            using var quantizer = catalogue.Quantizer;
            Item[] items = await ItemJsonReader.ReadAsync(line.GetRequiredValue(Items), cancellationToken).ToArrayAsync(cancellationToken);
            await new SemanticIdTokenizer(encoder, quantizer).AddItemsAsync(catalogue, items, cancellationToken: cancellationToken);
            await catalogue.SaveAsync(Path.Combine(folder, "catalogue"), cancellationToken);
            reporter.Table("item", ["item", "semanticId"],
                items.Select(item => (IReadOnlyList<object?>)[item.Id, catalogue.Index[item.Id].ToString()]));
            if (line.GetValue(Model) is { } path)
            {
                string place = ModelLoading.Folder(path);
                using var model = await ModelLoading.LoadAsync(place, "cpu", cancellationToken);
                model.Swap(catalogue.Index);
                await model.SaveAsync(place, cancellationToken);
                reporter.Value("model", place);
            }

            return ExitCodes.Success;
        });
        return command;
    }
}

using System.CommandLine;
using System.Globalization;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Training;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>export</c>: a trained model as a folder that Hugging Face tools open, or in few bits for serving.</summary>
internal static class ExportCommand
{
    private static readonly Option<string> Model = ModelLoading.Option();
    private static readonly Option<string?> Checkpoint = new("--checkpoint")
    {
        Description = "Take the weights from the newest of these checkpoints of a training run, of one process or of several.",
        HelpName = "DIR",
    };

    private static readonly Option<string> Output =
        new("--output", "-o") { Description = "The folder to write.", HelpName = "DIR", Required = true };

    private static readonly Option<string?> Weights = new("--weights")
    {
        Description = "Write a model folder for serve and recommend instead, with the layers' weights in this form: int8 or int4.",
        HelpName = "FORM",
    };

    public static Command Create(CliContext context)
    {
        var command = new Command("export", "Write a trained model as a folder that Hugging Face tools open, or in few bits for serving.");
        command.Options.Add(Model);
        command.Options.Add(Checkpoint);
        command.Options.Add(Weights);
        command.Options.Add(Output);
        Weights.AcceptOnlyFromAmong("int8", "int4");
        command.SetAction(async (line, cancellationToken) =>
        {
            // The weights themselves, also of a folder that is served in few bits.
            using var model = await ModelLoading.LoadAsync(
                line.GetRequiredValue(Model), "cpu", cancellationToken, options => options.Weights = ServingWeights.AsStored);
            if (line.GetValue(Checkpoint) is { } checkpoint)
            {
                long step = CheckpointWeights.Load(checkpoint, model.Model);
                context.Reporter(line).Value("checkpoint step", step.ToString(CultureInfo.InvariantCulture));
            }

            string folder = Path.GetFullPath(line.GetRequiredValue(Output));
            if (line.GetValue(Weights) is { } form)
            {
                var small = new RecommenderSaveOptions { Weights = form == "int8" ? ServingWeights.Int8 : ServingWeights.Int4 };
                await model.SaveAsync(folder, small, cancellationToken);
                context.Reporter(line).Value("model", folder);
                return ExitCodes.Success;
            }

            var options = new HuggingFaceSaveOptions { Tokenizer = (model.Template as TextTemplate)?.Tokenizer as ICheckpointFiles };
            await HuggingFaceFolder.SaveAsync(folder, model.Model, options, cancellationToken);
            await model.Index.SaveAsync(Path.Combine(folder, "catalogue.index.json"), cancellationToken);
            context.Reporter(line).Value("folder", folder);
            return ExitCodes.Success;
        });
        return command;
    }
}

/// <summary><c>schema</c>: the JSON schema of <c>minionerec.json</c>.</summary>
internal static class SchemaCommand
{
    public static Command Create(CliContext context)
    {
        var command = new Command("schema", $"Write the JSON schema of {SettingsFile.DefaultName}, for editors.");
        command.SetAction(async (_, _) =>
        {
            await context.Output.WriteAsync(SettingsFile.Schema());
            return ExitCodes.Success;
        });
        return command;
    }
}

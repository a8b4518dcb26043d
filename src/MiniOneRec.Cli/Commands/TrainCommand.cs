using System.CommandLine;
using MiniOneRec.Cli.Processes;
using MiniOneRec.Cli.Settings;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>train</c>: supervised training alone.</summary>
internal static class TrainCommand
{
    public static Command Create(CliContext context)
    {
        var command = new Command("train", "Train a model on the data, without baselines and reinforcement.");
        RunOptions.AddTo(command);
        ProcessOptions.AddTo(command);
        command.SetAction((line, cancellationToken) =>
        {
            var settings = RunOptions.Read(line, KeyValuePair.Create("Recipe:SkipReinforcement", (string?)"true"));
            settings.Recipe.Baselines = [];
            return RunCommand.RunAsync(line, settings, context, cancellationToken);
        });
        return command;
    }
}

/// <summary><c>reinforce</c>: GRPO from a trained model.</summary>
internal static class ReinforceCommand
{
    private static readonly Option<string> Model =
        new("--model") { Description = "The model to start from.", HelpName = "DIR", Required = true };

    public static Command Create(CliContext context)
    {
        var command = new Command("reinforce", "Continue a trained model by reinforcement learning (GRPO).");
        RunOptions.AddTo(command);
        ProcessOptions.AddTo(command);
        command.Options.Add(Model);
        command.SetAction((line, cancellationToken) =>
        {
            var settings =
                RunOptions.Read(line, KeyValuePair.Create("Recipe:SftModel", (string?)Path.GetFullPath(line.GetRequiredValue(Model))));
            (settings.Recipe.Baselines, settings.Recipe.SkipReinforcement) = ([], false);
            return RunCommand.RunAsync(line, settings, context, cancellationToken);
        });
        return command;
    }
}

using System.CommandLine;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Datasets;
using MiniOneRec.Recipes;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>run</c>: everything, from the data to a measured and saved model in one folder.</summary>
internal static class RunCommand
{
    private static readonly Option<bool> SkipReinforcement = new("--skip-rl") { Description = "Stop after supervised training." };
    private static readonly Option<string?> Baselines = new("--baselines") { Description =
        $"Which of these to compare with: {string.Join(", ", RecipeOptions.AllBaselines)}.", HelpName = "NAME,…" };

    public static Command Create(CliContext context)
    {
        var command =
            new Command("run", "Make semantic IDs, train, compare with baselines, and save a model and its report in one folder.");
        RunOptions.AddTo(command);
        command.Options.Add(SkipReinforcement);
        command.Options.Add(Baselines);
        command.SetAction((line, cancellationToken) =>
            RunAsync(RunOptions.Read(line, More(line)), RunOptions.Restarts(line), context.Reporter(line), cancellationToken));
        return command;
    }

    /// <summary>Runs the recipe into its folder, or goes on where an earlier run of the same command ended.</summary>
    public static async Task<int> RunAsync(RunSettings settings, bool restart, Reporter reporter, CancellationToken cancellationToken)
    {
        NativeTuning.Apply();
        using var folder = RunFolder.Open(settings.Recipe.Output, reporter);
        try
        {
            return await RunAsync(settings, restart, folder, reporter, cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            throw new StoppedRunException(folder.Path, e);
        }
    }

    private static async Task<int> RunAsync(
        RunSettings settings, bool restart, RunFolder folder, Reporter reporter, CancellationToken cancellationToken)
    {
        SplitDataset data;
        try
        {
            settings.Recipe.Resume = true;
            if (restart)
            {
                Recipe.Forget(folder.Path);
            }
            else
            {
                await RunContinuation.RequireSameAsync(folder.Path, settings, cancellationToken);
            }

            data = await RunOptions.LoadAsync(settings, Path.Combine(folder.Path, "prepared"), folder, cancellationToken);
        }
        catch
        {
            folder.Discard();
            throw;
        }

        await SettingsFile.WriteAsync(settings, Path.Combine(folder.Path, SettingsFile.DefaultName), cancellationToken);
        using var encoder = settings.Encoder is null or TextEncoders.TfIdf ? null
            : await TextEncoders.OpenAsync(settings.Encoder, settings.Recipe.Device, new MiniOneRecOptions(), cancellationToken);
        using var result = await new Recipe(settings.Recipe, encoder).RunAsync(data, folder, cancellationToken);
        await RunArtifacts.WriteAsync(folder.Path, data, result, folder, cancellationToken);
        reporter.Show(result.Report);
        reporter.Value("model", Path.Combine(folder.Path, RunArtifacts.Model));
        reporter.Value("report", Path.Combine(folder.Path, RunArtifacts.Html));
        return ExitCodes.Success;
    }

    private static IEnumerable<KeyValuePair<string, string?>> More(ParseResult line)
    {
        if (line.GetValue(SkipReinforcement))
        {
            yield return KeyValuePair.Create("Recipe:SkipReinforcement", (string?)"true");
        }

        string[] names = line.GetValue(Baselines)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
        for (int i = 0; i < names.Length; i++)
        {
            yield return KeyValuePair.Create($"Recipe:Baselines:{i}", (string?)names[i]);
        }
    }
}

using System.CommandLine;
using System.Text.Json.Nodes;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Processes;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Datasets;
using MiniOneRec.Recipes;
using MiniOneRec.Training.Distributed;

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
        ProcessOptions.AddTo(command);
        command.Options.Add(SkipReinforcement);
        command.Options.Add(Baselines);
        command.SetAction((line, cancellationToken) =>
            RunAsync(line, RunOptions.Read(line, More(line)), context, cancellationToken));
        return command;
    }

    /// <summary>Runs the recipe into its folder, or goes on where an earlier run of the same command ended; with <c>--processes</c> by
    /// starting the command again as several processes.</summary>
    public static async Task<int> RunAsync(ParseResult line, RunSettings settings, CliContext context, CancellationToken cancellationToken)
    {
        NativeTuning.Apply();
        var place = RankPlace.Current;
        var options = ProcessOptions.Read(line, settings, place);
        var reporter = context.Reporter(line);
        if (place.Size == 1 && options.Count > 1)
        {
            return await MpiLauncher.RunAsync(
                context, options.Count.Value, options.HostFile, Stray(line, context, reporter), cancellationToken);
        }

        bool restart = RunOptions.Restarts(line);
        if (place.Size == 1)
        {
            return await RunAsync(settings, restart, reporter, cancellationToken);
        }

        using var group = Join(place);
        try
        {
            return await RunAsync(settings, restart, reporter, ParallelRun.Of(group, options.Sharding), cancellationToken);
        }
        catch (Exception e) when (!FirstProcess.IsShared(e))
        {
            group.Abandon(e.Message);
            throw;
        }
    }

    /// <summary>Runs the recipe into its folder with this process alone.</summary>
    public static Task<int> RunAsync(RunSettings settings, bool restart, Reporter reporter, CancellationToken cancellationToken)
    {
        NativeTuning.Apply();
        return RunAsync(settings, restart, reporter, ParallelRun.Of(null, Sharding.None), cancellationToken);
    }

    private static async Task<int> RunAsync(
        RunSettings settings, bool restart, Reporter reporter, ParallelRun parallel, CancellationToken cancellationToken)
    {
        if (!parallel.IsAlone)
        {
            parallel.RequireEqual(ProcessFacts.Of(
                JsonNode.Parse(SettingsFile.ToJson(settings))!.AsObject(), new Dictionary<string, string> { ["restart"] = $"{restart}" }));
        }

        using var folder = await parallel.OnFirstAsync(
            _ => Task.FromResult(RunFolder.Open(settings.Recipe.Output, reporter)), CancellationToken.None);
        try
        {
            return await RunAsync(settings, restart, folder, reporter, parallel, cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            throw new StoppedRunException(folder?.Path ?? settings.Recipe.Output, e);
        }
    }

    // The folder is null in all processes but the first.
    private static async Task<int> RunAsync(RunSettings settings, bool restart, RunFolder? folder, Reporter reporter, ParallelRun parallel,
        CancellationToken cancellationToken)
    {
        settings.Recipe.Resume = true;
        string path = Path.GetFullPath(settings.Recipe.Output);
        var data = await LoadAsync(settings, restart, folder, parallel, cancellationToken);
        await parallel.OnFirstAsync(
            token => SettingsFile.WriteAsync(settings, Path.Combine(path, SettingsFile.DefaultName), token), cancellationToken);
        using var encoder = TextEncoders.PathOf(settings.Encoder) is not { } encoderPath ? null
            : await TextEncoders.OpenAsync(encoderPath, settings.Recipe.Device, new MiniOneRecOptions(), cancellationToken);
        using var result = await new Recipe(settings.Recipe, encoder)
        {
            ProcessGroup = parallel.IsAlone ? null : parallel.Group, Sharding = parallel.Sharding,
        }.RunAsync(data, folder, cancellationToken);
        await parallel.OnFirstAsync(token => RunArtifacts.WriteAsync(path, data, result, folder!, token), cancellationToken);
        reporter.Show(result.Report);
        reporter.Value("model", Path.Combine(path, RunArtifacts.Model));
        reporter.Value("report", Path.Combine(path, RunArtifacts.Html));
        return ExitCodes.Success;
    }

    // The first process prepares a log, and all read what it wrote.
    private static async Task<SplitDataset> LoadAsync(
        RunSettings settings, bool restart, RunFolder? folder, ParallelRun parallel, CancellationToken cancellationToken)
    {
        string path = Path.GetFullPath(settings.Recipe.Output), prepared = Path.Combine(path, "prepared");
        try
        {
            var first = await parallel.OnFirstAsync(async token =>
            {
                if (restart)
                {
                    Recipe.Forget(path);
                }
                else
                {
                    await RunContinuation.RequireSameAsync(path, settings, token);
                }

                return await RunOptions.LoadAsync(settings, prepared, folder!, token);
            }, cancellationToken);
            return await parallel.OnAllAsync(async () => first ?? await RunOptions.ReadAsync(settings, prepared, cancellationToken));
        }
        catch
        {
            folder?.Discard();
            throw;
        }
    }

    private static MpiProcessGroup Join(RankPlace place)
    {
        var group = new MpiProcessGroup();
        if (group.Size == place.Size)
        {
            return group;
        }

        var error = new ProcessGroupException(
            $"{place.Size} processes were started, and {group.Library} sees {group.Size}: the launcher is of another MPI. With srun choose "
            + "--mpi=pmix for Open MPI or --mpi=pmi2 for MPICH; MINIONEREC_MPI names the library.");
        group.Dispose();
        throw error;
    }

    // JSON lines stay JSON lines, also beside what mpirun writes.
    private static Action<string> Stray(ParseResult line, CliContext context, Reporter reporter) => text =>
    {
        if (line.GetValue(GlobalOptions.Json) && !text.StartsWith('{'))
        {
            reporter.OnMessage(text);
        }
        else
        {
            context.Error.WriteLine(text);
        }
    };

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

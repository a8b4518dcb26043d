using System.CommandLine;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Training.Distributed;

namespace MiniOneRec.Cli.Processes;

/// <summary>The options of commands that train with several processes.</summary>
/// <param name="Count">The number of processes, or <see langword="null"/> where it is not given.</param>
/// <param name="Sharding">What is divided among them.</param>
/// <param name="HostFile">The file of their machines, or <see langword="null"/> for this one.</param>
internal sealed record ProcessOptions(int? Count, Sharding Sharding, string? HostFile)
{
    private static readonly Option<int?> Processes = new("--processes") { Description =
        "Train with N processes of this machine, which mpirun starts; each computes its share of every batch.", HelpName = "N" };
    private static readonly Option<string?> Division = new("--sharding") { Description =
        "What the processes divide of the training state: none, state, gradients or weights (ZeRO-1 to 3).", HelpName = "WHAT" };
    private static readonly Option<string?> Hosts = new("--hostfile") { Description =
        "Machines for --processes, one a line: NAME slots=N.", HelpName = "FILE" };

    /// <summary>Adds the options.</summary>
    public static void AddTo(Command command)
    {
        foreach (Option option in (Option[])[Processes, Division, Hosts])
        {
            command.Options.Add(option);
        }

        Division.CompletionSources.Clear();
        Division.CompletionSources.Add("none", "state", "gradients", "weights");
    }

    /// <summary>Returns whether a command line is of a command that may train with several processes.</summary>
    public static bool BelongTo(ParseResult line) => line.CommandResult.Command.Options.Contains(Processes);

    /// <summary>Reads and checks the options.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="settings">The settings of the run.</param>
    /// <param name="place">The place of this process.</param>
    /// <exception cref="ArgumentException">An option is wrong, or does not go with the settings or with how this process was
    /// started.</exception>
    public static ProcessOptions Read(ParseResult line, RunSettings settings, RankPlace place)
    {
        var read = new ProcessOptions(line.GetValue(Processes), ShardingOf(line.GetValue(Division)), line.GetValue(Hosts));
        int size = place.Size > 1 ? place.Size : read.Count ?? 1;
        if (read.Count < 1)
        {
            throw new ArgumentException($"--processes is {read.Count}; expected at least 1.");
        }

        if (place.Size > 1 && read.Count is { } count && count != place.Size)
        {
            throw new ArgumentException($"--processes is {count}, and mpirun or srun has started {place.Size}; leave the option out.");
        }

        if (size == 1 && (line.GetValue(Division) ?? read.HostFile) is not null)
        {
            throw new ArgumentException("--sharding and --hostfile are for several processes; give --processes N.");
        }

        var preset = settings.Recipe.Preset;
        if (!preset.Automatic && preset.BatchSize < size)
        {
            throw new ArgumentException($"The preset's batch of {preset.BatchSize} is below the {size} processes; use fewer processes or a "
                + "larger batch (Recipe:Preset:BatchSize).");
        }

        return read;
    }

    private static Sharding ShardingOf(string? name) => name switch
    {
        null or "none" => Sharding.None,
        "state" => Sharding.OptimizerState,
        "gradients" => Sharding.Gradients,
        "weights" => Sharding.Weights,
        _ => throw new ArgumentException($"--sharding is '{name}'; expected none, state, gradients or weights."),
    };
}

using System.CommandLine;
using MiniOneRec.Cli.Commands;

namespace MiniOneRec.Cli;

/// <summary>The commands, in the order of the help. A new one is a file in <c>Commands</c> and a line here.</summary>
internal static class CommandList
{
    /// <summary>Gets what makes each command.</summary>
    public static IReadOnlyList<Func<CliContext, Command>> All { get; } =
    [
        DemoCommand.Create,
        PrepareCommand.Create,
        RunCommand.Create,
        IndexCommand.Create,
        TrainCommand.Create,
        ReinforceCommand.Create,
        EvaluateCommand.Create,
        CompareCommand.Create,
        ParityCommand.Create,
        RecommendCommand.Create,
        GrowCommand.Create,
        ServeCommand.Create,
        RetrainCommand.Create,
        ImportCommand.Create,
        ExportCommand.Create,
        SchemaCommand.Create,
        DoctorCommand.Create,
        CompletionCommand.Create,
    ];
}

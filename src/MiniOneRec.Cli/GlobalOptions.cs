using System.CommandLine;

namespace MiniOneRec.Cli;

/// <summary>The options of every command.</summary>
internal static class GlobalOptions
{
    public static Option<bool> Json { get; } = new("--json") { Description =
        "Write one JSON object a line: progress to standard error, results to standard output.", Recursive = true };

    public static Option<bool> Quiet { get; } = new("--quiet", "-q") { Description = "Write results and errors only.", Recursive = true };

    public static Option<bool> Verbose { get; } =
        new("--verbose") { Description = "Show where an unexpected error came from.", Recursive = true };

    public static IReadOnlyList<Option> All { get; } = [Json, Quiet, Verbose];
}

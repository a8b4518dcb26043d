using System.CommandLine;
using MiniOneRec.Cli.Output;

namespace MiniOneRec.Cli;

/// <summary>Where commands write.</summary>
/// <param name="Output">Receives results.</param>
/// <param name="Error">Receives progress and errors.</param>
internal sealed record CliContext(TextWriter Output, TextWriter Error)
{
    /// <summary>Gets the arguments of the command line.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Makes the reporter that the command line asks for.</summary>
    public Reporter Reporter(ParseResult line) =>
        MiniOneRec.Cli.Output.Reporter.Create(line.GetValue(GlobalOptions.Json), line.GetValue(GlobalOptions.Quiet), Output, Error);
}

using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Processes;
using MiniOneRec.Training.Distributed;

namespace MiniOneRec.Cli;

/// <summary>The program: parses the command line, runs the command, and turns exceptions into messages and exit codes.</summary>
internal static class CliProgram
{
    /// <summary>Runs one command line.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <param name="output">Receives results.</param>
    /// <param name="error">Receives progress and errors.</param>
    /// <param name="cancellationToken">Stops the command after its current step.</param>
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(
        IReadOnlyList<string> arguments, TextWriter output, TextWriter error, CancellationToken cancellationToken = default)
    {
        var line = CreateRoot(new CliContext(output, error) { Arguments = arguments }).Parse(arguments);
        bool isOneOfMany = RankPlace.Current.Size > 1 && ProcessOptions.BelongTo(line);
        if (!isOneOfMany)
        {
            return await RunAsync(line, output, error, cancellationToken);
        }

        if (RankPlace.Current.Rank > 0)
        {
            // Rank 0 alone speaks, unless this process has an error of its own.
            line = CreateRoot(new CliContext(TextWriter.Null, TextWriter.Null) { Arguments = arguments }).Parse(arguments);
            return await FollowAsync(line, error, cancellationToken);
        }

        int code = await RunAsync(line, output, error, cancellationToken);
        if (RankPlace.ResultFile is { } file && Path.Exists(Path.GetDirectoryName(file)))
        {
            await File.WriteAllTextAsync(file, code.ToString(CultureInfo.InvariantCulture), CancellationToken.None);
            return ExitCodes.Success;                       // the tool that started this process has the code
        }

        return code;
    }

    private static async Task<int> RunAsync(ParseResult line, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        if (line.Errors.Count > 0)
        {
            foreach (var problem in line.Errors)
            {
                await error.WriteLineAsync(problem.Message);
            }

            await error.WriteLineAsync("Try --help after the command's name.");
            return ExitCodes.Usage;
        }

        var reporter = Reporter.Create(line.GetValue(GlobalOptions.Json), line.GetValue(GlobalOptions.Quiet), output, error);
        try
        {
            return await InvokeAsync(line, output, error, cancellationToken);
        }
        catch (OperationCanceledException e)
        {
            reporter.Cancelled(e is StoppedRunException ? e.Message : "Stopped.");
            return ExitCodes.Cancelled;
        }
        catch (Exception e) when (CodeOf(e) is { } code)
        {
            reporter.Failed(e.Message, code);
            return code;
        }
        catch (Exception e)
        {
            reporter.Failed(line.GetValue(GlobalOptions.Verbose) ? e.ToString()
                : $"{e.GetType().Name}: {e.Message} (--verbose shows where)", ExitCodes.Failure);
            return ExitCodes.Failure;
        }
    }

    // A process that is not rank 0.
    private static async Task<int> FollowAsync(ParseResult line, TextWriter error, CancellationToken cancellationToken)
    {
        try
        {
            return line.Errors.Count > 0 ? ExitCodes.Usage : await InvokeAsync(line, TextWriter.Null, TextWriter.Null, cancellationToken);
        }
        catch (Exception e) when (FirstProcess.IsToldByFirst(e))
        {
            return ExitCodes.Success;
        }
        catch (Exception e)
        {
            await error.WriteLineAsync($"Rank {RankPlace.Current.Rank}: {e.Message}");
            return CodeOf(e) ?? ExitCodes.Failure;
        }
    }

    // Ctrl+C belongs to CancelOnCtrlC: the library's own handler ends the process after two seconds, within a step.
    private static Task<int> InvokeAsync(ParseResult line, TextWriter output, TextWriter error, CancellationToken cancellationToken) =>
        line.InvokeAsync(new InvocationConfiguration
        {
            Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null,
        }, cancellationToken);

    /// <summary>Makes a token that the first Ctrl+C cancels; the second one ends the process at once.</summary>
    public static CancellationToken CancelOnCtrlC()
    {
        var cancellation = new CancellationTokenSource();
        Console.CancelKeyPress += (_, pressed) =>
        {
            if (cancellation.IsCancellationRequested)
            {
                LeaveAtOnce();
            }

            pressed.Cancel = true;
            if (RankPlace.Current.Rank == 0)
            {
                Console.Error.WriteLine("Stopping after this step; press Ctrl+C again to leave at once.");
            }

            cancellation.Cancel();
        };
        StopRequests.Listen(RankPlace.Current, cancellation.Cancel, LeaveAtOnce);
        return cancellation.Token;
    }

    /// <summary>Ends the process. An orderly exit would destroy the native libraries' objects while a step still works with them, and the
    /// process would end by a fault of memory.</summary>
    private static void LeaveAtOnce()
    {
        if (!OperatingSystem.IsWindows())
        {
            ExitUnix(ExitCodes.Cancelled);
        }

        Environment.Exit(ExitCodes.Cancelled);
    }

    [DllImport("libc", EntryPoint = "_exit")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern void ExitUnix(int code);

    private static RootCommand CreateRoot(CliContext context)
    {
        var root = new RootCommand("From a log of interactions to a trained, measured and saved recommender.");
        foreach (var option in GlobalOptions.All)
        {
            root.Options.Add(option);
        }

        foreach (var create in CommandList.All)
        {
            root.Subcommands.Add(create(context));
        }

        return root;
    }

    private static int? CodeOf(Exception e) => e switch
    {
        OptionsValidationException or ArgumentException => ExitCodes.Usage,
        ProcessGroupException or DllNotFoundException => ExitCodes.Failure,
        FileNotFoundException or DirectoryNotFoundException or InvalidDataException or EndOfStreamException => ExitCodes.BadData,
        IOException or UnauthorizedAccessException => ExitCodes.Failure,
        _ => null,
    };
}

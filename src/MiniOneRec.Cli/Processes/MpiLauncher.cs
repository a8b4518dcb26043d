using System.Diagnostics;
using System.Globalization;

namespace MiniOneRec.Cli.Processes;

/// <summary>Starts the same command as several processes by <c>mpirun</c>, and passes on what they write and the user's Ctrl+C.</summary>
/// <remarks>
/// The launcher has a session of its own, so that the terminal's signal does not reach it: it would end the processes at once. A line on
/// its standard input asks rank 0 to stop after the step; the end of the input, which a killed tool leaves, does the same.
/// </remarks>
internal static class MpiLauncher
{
    /// <summary>The line that asks to stop.</summary>
    public const string StopLine = "stop";

    private const string Missing = "--processes starts them by mpirun, which is not on the PATH: install Open MPI "
        + "(apt-get install openmpi-bin libopenmpi3) or MPICH (apt-get install mpich).";

    private static readonly int[] OwnCodes =
        [ExitCodes.Success, ExitCodes.Failure, ExitCodes.Usage, ExitCodes.BadData, ExitCodes.Cancelled];

    /// <summary>Finds the launcher.</summary>
    /// <returns>Its path, or <see langword="null"/>.</returns>
    public static string? Find() => Find("mpirun") ?? Find("mpiexec");

    /// <summary>Gets the first line that a launcher says of its version.</summary>
    public static async Task<string> VersionAsync(string launcher, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(launcher, ["--version"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        })!;
        process.StandardInput.Close();
        string text = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return text.Split('\n')[0].Trim();
    }

    /// <summary>Runs the command line of the context as several processes.</summary>
    /// <param name="context">The command line, and where to write.</param>
    /// <param name="processes">The number of processes.</param>
    /// <param name="hostFile">The file of the machines, or <see langword="null"/> for this one.</param>
    /// <param name="stray">Receives lines of standard error that the processes did not write themselves.</param>
    /// <param name="cancellationToken">Asks the processes to stop after their step.</param>
    /// <returns>The exit code of rank 0.</returns>
    /// <exception cref="ArgumentException">There is no launcher, or the machines have no room.</exception>
    public static async Task<int> RunAsync(
        CliContext context, int processes, string? hostFile, Action<string> stray, CancellationToken cancellationToken)
    {
        string launcher = Find() ?? throw new ArgumentException(Missing);
        var hosts = hostFile is null ? null : await HostFile.ReadAsync(hostFile, processes, cancellationToken);
        bool isOpenMpi = (await VersionAsync(launcher, cancellationToken)).Contains("Open MPI", StringComparison.Ordinal);
        string result = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var start = Start(launcher, isOpenMpi, processes, hosts, result, context.Arguments);
        using var process = Process.Start(start)!;
        try
        {
            await using var asks = cancellationToken.Register(() => Ask(process));
            await Task.WhenAll(
                CopyAsync(process.StandardOutput, context.Output.WriteLine), CopyAsync(process.StandardError, stray),
                process.WaitForExitAsync(CancellationToken.None));
            return Code(result, process.ExitCode);
        }
        finally
        {
            File.Delete(result);
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static ProcessStartInfo Start(string launcher, bool isOpenMpi, int processes, IReadOnlyList<(string Host, int Slots)>? hosts,
        string result, IReadOnlyList<string> arguments)
    {
        string list = string.Join(',', (hosts ?? []).Select(host => $"{host.Host}:{host.Slots}"));
        int together = hosts is null ? processes : Math.Min(processes, hosts.Max(host => host.Slots));
        string threads = Math.Max(1, Environment.ProcessorCount / together).ToString(CultureInfo.InvariantCulture);
        var variables = new Dictionary<string, string>
        {
            [RankPlace.Launched] = result,
            ["OMP_NUM_THREADS"] = Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is { Length: > 0 } given ? given : threads,
        };
        string[] places = hosts is null ? isOpenMpi ? ["--oversubscribe"] : [] : isOpenMpi ? ["--host", list] : ["-hosts", list];
        string[] binding = isOpenMpi ? ["--bind-to", "none"] : [];
        string[] passed = hosts is null || !isOpenMpi ? [] : [.. variables.Keys.SelectMany(name => (string[])["-x", name])];
        string[] command = [launcher, "-n", $"{processes}", .. binding, .. places, .. passed, .. OwnProgram(), .. arguments];
        command = Find("setsid") is { } setsid ? [setsid, .. command] : command;
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        start.Environment.TryAdd("OMPI_MCA_btl_base_warn_component_unused", "0");
        if (Environment.UserName == "root")
        {
            // Open MPI asks for both; whoever runs the tool as root has decided.
            (start.Environment["OMPI_ALLOW_RUN_AS_ROOT"], start.Environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"]) = ("1", "1");
        }

        return start;
    }

    // The tool is a program of its own, or an assembly that dotnet runs.
    private static string[] OwnProgram()
    {
        string? program = Environment.ProcessPath;
        string assembly = typeof(MpiLauncher).Assembly.Location;
        return Path.GetFileNameWithoutExtension(program) == "minionerec" || assembly.Length == 0 ? [program!]
            : [Path.GetFileName(program) == "dotnet" ? program! : "dotnet", assembly];
    }

    private static int Code(string result, int launcher)
    {
        if (File.Exists(result) && int.TryParse(File.ReadAllText(result), CultureInfo.InvariantCulture, out int code))
        {
            return code;
        }

        return OwnCodes.Contains(launcher) ? launcher : ExitCodes.Failure;
    }

    private static void Ask(Process process)
    {
        try
        {
            process.StandardInput.WriteLine(StopLine);
            process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It has ended already.
        }
    }

    private static async Task CopyAsync(StreamReader from, Action<string> to)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            to(line);
        }
    }

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}

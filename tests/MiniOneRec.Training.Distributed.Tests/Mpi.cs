using System.Diagnostics;

namespace MiniOneRec.Training.Distributed.Tests;

/// <summary>Starts the worker under mpirun.</summary>
internal static class Mpi
{
    /// <summary>Gets whether the launcher is that of Open MPI.</summary>
    public static bool IsOpenMpi { get; } = Output("mpirun", "--version").Contains("Open MPI", StringComparison.Ordinal);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);
    private static readonly string[] Arguments = IsOpenMpi ? ["--oversubscribe", "--bind-to", "none"] : [];

    // Without these the launcher ends all processes as soon as one has ended, and its exit code tells of a failure.
    private static readonly string[] Tolerance = IsOpenMpi
        ? ["--mca", "orte_enable_recovery", "1", "--mca", "orte_abort_on_non_zero_status", "0"] : [];

    private static readonly Lazy<string?> Launcher = new(Find);

    /// <summary>Runs the worker.</summary>
    /// <param name="processes">The number of processes.</param>
    /// <param name="arguments">Its commands.</param>
    /// <returns>The launcher's exit code, and what it and the processes wrote.</returns>
    public static (int Code, string Output) Run(int processes, string[] arguments) => Run(processes, arguments, [], []);

    /// <summary>Runs the worker where a process is to fail and the others are to go on.</summary>
    /// <param name="processes">The number of processes.</param>
    /// <param name="arguments">Its command.</param>
    /// <param name="environment">Variables.</param>
    /// <returns>What the launcher and the processes wrote.</returns>
    public static string RunSome(int processes, string[] arguments, params (string Name, string Value)[] environment) =>
        Run(processes, arguments, Tolerance, environment).Output;

    /// <summary>Skips a test in which processes outlive a killed one: MPICH's launcher ends all of them with it.</summary>
    public static void RequireSurvivors()
    {
        Require();
        Skip.IfNot(IsOpenMpi, "The launcher of MPICH ends all processes with the first.");
    }

    private static (int Code, string Output) Run(
        int processes, string[] arguments, string[] more, (string Name, string Value)[] environment)
    {
        Require();
        var start = new ProcessStartInfo(Launcher.Value!)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        string[] all =
        [
            .. more, "-n", $"{processes}", .. Arguments, "dotnet",
            Path.Combine(AppContext.BaseDirectory, "MiniOneRec.Training.Distributed.Worker.dll"), .. arguments,
        ];
        foreach (string argument in all)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in Settings.Concat(environment))
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        try
        {
            process.StandardInput.Close();
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            bool ended = process.WaitForExit(Patience) && Task.WaitAll([output, errors], Patience);
            return ended ? (process.ExitCode, output.GetAwaiter().GetResult() + errors.GetAwaiter().GetResult())
                : throw new TimeoutException($"The processes did not end within {Patience}.");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    // Skips the test where there is no MPI, unless the build machine must have it.
    private static void Require()
    {
        bool required = Environment.GetEnvironmentVariable("MINIONEREC_REQUIRE_MPI") == "1";
        if (Launcher.Value is null && required)
        {
            throw new InvalidOperationException("mpirun is missing and MINIONEREC_REQUIRE_MPI is 1; run .ci/install-mpi.");
        }

        Skip.If(Launcher.Value is null, "mpirun was not found; .ci/install-mpi installs Open MPI.");
    }

    private static IEnumerable<(string Name, string Value)> Settings =>
    [
        ("OMP_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1"), ("DOTNET_gcServer", "0"), ("OMPI_ALLOW_RUN_AS_ROOT", "1"),
        ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"), ("OMPI_MCA_mpi_yield_when_idle", "1"), ("OMPI_MCA_btl_base_warn_component_unused", "0"),
    ];

    private static string? Find() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, "mpirun")).FirstOrDefault(File.Exists);

    private static string Output(string program, string argument)
    {
        if (Find() is null)
        {
            return "";
        }

        using var process = Process.Start(new ProcessStartInfo(program, argument) { RedirectStandardOutput = true })!;
        return process.StandardOutput.ReadToEnd();
    }
}

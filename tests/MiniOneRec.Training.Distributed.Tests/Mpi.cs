using System.Diagnostics;

namespace MiniOneRec.Training.Distributed.Tests;

/// <summary>Starts the worker under mpirun.</summary>
internal static class Mpi
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);
    private static readonly string[] Arguments = IsOpenMpi
        ? ["--oversubscribe", "--bind-to", "none", "--mca", "orte_enable_recovery", "1", "--mca", "orte_abort_on_non_zero_status", "0"]
        : ["-disable-auto-cleanup"];

    private static readonly Lazy<string?> Launcher = new(Find);

    private static bool IsOpenMpi => Output("mpirun", "--version").Contains("Open MPI", StringComparison.Ordinal);

    /// <summary>Runs the worker.</summary>
    /// <param name="processes">The number of processes.</param>
    /// <param name="arguments">Its command.</param>
    /// <param name="environment">Variables.</param>
    /// <returns>The launcher's exit code, and what it and the processes wrote.</returns>
    public static (int Code, string Output) Run(int processes, string[] arguments, params (string Name, string Value)[] environment)
    {
        Require();
        var start = new ProcessStartInfo(Launcher.Value!)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        string[] all =
        [
            "-n", $"{processes}", .. Arguments, "dotnet",
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

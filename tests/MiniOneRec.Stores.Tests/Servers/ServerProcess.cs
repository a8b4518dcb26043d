using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace MiniOneRec.Stores.Tests;

/// <summary>A server of a Debian package, in a temporary folder and on a free port of the loopback.</summary>
public abstract class ServerProcess : IAsyncLifetime
{
    private Process? _process;

    /// <summary>Gets the folder of the server's files.</summary>
    protected string Folder { get; } = Directory.CreateTempSubdirectory("minionerec-server-").FullName;

    protected int Port { get; } = FreePort();

    /// <summary>Gets why the server does not run, or null.</summary>
    public string? Missing { get; private set; }

    protected abstract string Package { get; }

    protected abstract string? FindProgram();

    protected abstract Task<Process> StartAsync(string program);

    protected abstract Task<bool> AnswersAsync();

    public async Task InitializeAsync()
    {
        if (FindProgram() is not { } program)
        {
            Missing = $"The Debian package {Package} is not installed; .ci/install-services installs it.";
            Assert.False(Environment.GetEnvironmentVariable("MINIONEREC_REQUIRE_DATA") == "1", Missing);
            return;
        }

        _process = await StartAsync(program);
        var clock = Stopwatch.StartNew();
        while (!await AnswersAsync())
        {
            Assert.False(_process.HasExited, $"{program} ended with exit code {(_process.HasExited ? _process.ExitCode : 0)}.");
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{program} does not answer.");
            await Task.Delay(50);
        }
    }

    public async Task DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        for (int i = 0; i < 50 && Directory.Exists(Folder); i++)
        {
            try
            {
                Directory.Delete(Folder, recursive: true);
            }
            catch (IOException)
            {
                await Task.Delay(100);
            }
        }
    }

    protected static Process Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

using System.Diagnostics;
using System.Text;

namespace MiniOneRec.Cli.Tests;

/// <summary>The tool as a process of its own, which can be sent the signal of Ctrl+C.</summary>
internal sealed class ToolProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly Process _process;
    private readonly StringBuilder _error = new();

    /// <summary>Starts the tool. A shell that runs commands in the background may have it ignore the signal; <c>env</c> sets that
    /// right.</summary>
    public ToolProcess(params string[] arguments)
    {
        string[] command = ["dotnet", typeof(CliProgram).Assembly.Location, .. arguments];
        command = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT", .. command] : command;
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true },
        };
        _process.ErrorDataReceived += (_, line) => Add(line.Data);
        _process.OutputDataReceived += static (_, _) => { };
        _process.Start();
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    /// <summary>Gets what the tool has written to standard error.</summary>
    public string Error
    {
        get
        {
            lock (_error)
            {
                return _error.ToString();
            }
        }
    }

    /// <summary>Waits until the tool has written something to standard error.</summary>
    public async Task SaysAsync(string part)
    {
        var clock = Stopwatch.StartNew();
        while (!Error.Contains(part, StringComparison.Ordinal))
        {
            Assert.False(_process.HasExited, $"The tool ended without saying '{part}': {Error}");
            Assert.True(clock.Elapsed < Patience, $"The tool does not say '{part}': {Error}");
            await Task.Delay(5);
        }
    }

    /// <summary>Sends SIGINT, as a terminal does for Ctrl+C.</summary>
    public async Task InterruptAsync()
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -INT {_process.Id}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    /// <summary>Waits for the end and returns the exit code.</summary>
    public async Task<int> ExitAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private void Add(string? line)
    {
        lock (_error)
        {
            _error.AppendLine(line);
        }
    }
}

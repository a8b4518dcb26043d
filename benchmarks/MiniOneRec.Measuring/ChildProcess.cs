using System.Diagnostics;
using System.Reflection;

namespace MiniOneRec.Measuring;

/// <summary>Runs this program again in a process of its own, which can be killed and whose memory is its own.</summary>
public static class ChildProcess
{
    /// <summary>Starts a study; its standard output is read by the caller, its standard error passes through.</summary>
    public static Process Start(string study, params IReadOnlyList<string> arguments)
    {
        string host = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this process is unknown.");
        string assembly = Assembly.GetEntryAssembly()!.Location;
        var start = new ProcessStartInfo(host) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(host) == "dotnet")
        {
            start.ArgumentList.Add(assembly);
        }

        start.ArgumentList.Add(study);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}

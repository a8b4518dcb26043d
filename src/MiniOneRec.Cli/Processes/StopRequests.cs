using System.Runtime.InteropServices;

namespace MiniOneRec.Cli.Processes;

/// <summary>What asks one of several processes to stop besides Ctrl+C.</summary>
internal static class StopRequests
{
    private static PosixSignalRegistration? s_signal;

    /// <summary>Listens to SIGTERM, which <c>mpirun</c> and <c>srun</c> send, and in rank 0 to the tool that started it.</summary>
    /// <param name="place">The place of this process; for a single one nothing is done.</param>
    /// <param name="stop">Stops the command after its step.</param>
    /// <param name="leave">Ends the process at once.</param>
    public static void Listen(RankPlace place, Action stop, Action leave)
    {
        if (place.Size == 1)
        {
            return;
        }

        s_signal ??= PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop();
        });
        if (RankPlace.ResultFile is not null)
        {
            new Thread(() => Read(stop, leave)) { IsBackground = true, Name = "MiniOneRec requests" }.Start();
        }
    }

    private static void Read(Action stop, Action leave)
    {
        using var input = new StreamReader(Console.OpenStandardInput());
        bool asked = false;
        while (input.ReadLine() is { } line)
        {
            if (line == MpiLauncher.StopLine)
            {
                asked = true;
                stop();
            }
        }

        // The tool has been killed; or left at once, where it had asked to stop before.
        if (asked)
        {
            leave();
        }

        stop();
    }
}

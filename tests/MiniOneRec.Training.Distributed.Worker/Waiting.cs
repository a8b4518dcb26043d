using System.Globalization;

namespace MiniOneRec.Training.Distributed.Worker;

/// <summary>Meets the others again and again, until a process is killed or hangs.</summary>
internal static class Waiting
{
    public static void Run(IProcessGroup group)
    {
        int victim = int.Parse(Environment.GetEnvironmentVariable("WORKER_VICTIM")!, CultureInfo.InvariantCulture);
        bool hangs = Environment.GetEnvironmentVariable("WORKER_HANGS") == "1";
        for (int round = 0; round < 1_000_000; round++)
        {
            using var values = TorchSharp.torch.ones(100_000);
            group.AllReduce(values).Wait();
            if (round == 20 && group.Rank == victim)
            {
                if (!hangs)
                {
                    System.Diagnostics.Process.GetCurrentProcess().Kill();          // SIGKILL
                }

                Thread.Sleep(5_000);
                return;
            }
        }
    }
}

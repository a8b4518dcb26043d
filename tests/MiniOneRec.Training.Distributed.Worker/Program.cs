using System.Globalization;
using MiniOneRec.Training.Distributed;
using MiniOneRec.Training.Distributed.Worker;
using TorchSharp;

// One process of several, with a command of the tests. Prints "rank R: what" and exits with 0 where everything holds.
torch.set_num_threads(1);
double deadline = double.Parse(Environment.GetEnvironmentVariable("WORKER_DEADLINE") ?? "60", CultureInfo.InvariantCulture);
try
{
    using var group = new MpiProcessGroup(new MpiOptions { Deadline = TimeSpan.FromSeconds(deadline) });
    try
    {
        switch (args[0])
        {
            case "collectives":
                Collectives.Check(group);
                Updates.Check(group);
                break;
            case "sft":
                Sft.Compare(group, args[1]);
                break;
            case "policy":
                Policy.Compare(group);
                break;
            case "refuse":
                Sft.Refuse(group);
                break;
            case "save":
                Sft.Save(group, args[1], Enum.Parse<Sharding>(args[2]));
                break;
            case "kill":
                Sft.Kill(group, args[1], Enum.Parse<Sharding>(args[2]));
                break;
            case "resume":
                Sft.Resume(group, args[1], Enum.Parse<Sharding>(args[2]));
                break;
            case "memory":
                Memory.Measure(group, Enum.Parse<Sharding>(args[1]), int.Parse(args[2], CultureInfo.InvariantCulture),
                    int.Parse(args[3], CultureInfo.InvariantCulture));
                break;
            case "speed":
                Speed.Measure(group, int.Parse(args[1], CultureInfo.InvariantCulture), int.Parse(args[2], CultureInfo.InvariantCulture));
                break;
            case "wait":
                Waiting.Run(group);
                break;
            default:
                throw new ArgumentException($"Unknown command '{args[0]}'.");
        }

        Console.WriteLine($"rank {group.Rank}: done");
        return 0;
    }
    catch (Exception e)
    {
        group.Abandon(e.Message);
        Console.WriteLine($"rank {group.Rank}: {e}");
        return 1;
    }
}
catch (Exception e)
{
    Console.WriteLine($"start: {e}");
    return 2;
}

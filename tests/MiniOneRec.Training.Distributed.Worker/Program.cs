using System.Diagnostics;
using System.Globalization;
using MiniOneRec.Training.Distributed;
using MiniOneRec.Training.Distributed.Worker;
using TorchSharp;

// One process of several, with commands of the tests. Prints "rank R: what" and exits with 0 where everything holds.
torch.set_num_threads(1);
double deadline = double.Parse(Environment.GetEnvironmentVariable("WORKER_DEADLINE") ?? "60", CultureInfo.InvariantCulture);
try
{
    using var group = new MpiProcessGroup(new MpiOptions { Deadline = TimeSpan.FromSeconds(deadline) });
    try
    {
        foreach (string[] command in Commands(args))
        {
            var watch = Stopwatch.StartNew();
            Run(group, command);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"rank {group.Rank}: '{string.Join(' ', command)}' done in {watch.Elapsed.TotalSeconds:0.0} s"));
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

// One after the other in the same processes, separated by "then".
static IEnumerable<string[]> Commands(string[] all)
{
    for (int at = 0; at <= all.Length;)
    {
        int end = Array.IndexOf(all, "then", at);
        end = end < 0 ? all.Length : end;
        yield return all[at..end];
        at = end + 1;
    }
}

static void Run(IProcessGroup group, string[] command)
{
    int Number(int at) => int.Parse(command[at], CultureInfo.InvariantCulture);
    Sharding Division(int at) => Enum.Parse<Sharding>(command[at]);
    switch (command[0])
    {
        case "collectives":
            Collectives.Check(group);
            Updates.Check(group);
            break;
        case "sft":
            Sft.Compare(group, command[1]);
            break;
        case "policy":
            Policy.Compare(group);
            break;
        case "refuse":
            Sft.Refuse(group);
            break;
        case "save":
            Sft.Save(group, command[1], Division(2));
            break;
        case "kill":
            Sft.Kill(group, command[1], Division(2), Number(3), Number(4), command.Length > 5 ? Number(5) : null);
            break;
        case "resume":
            Sft.Resume(group, command[1], Division(2), mayBegin: command.Length > 3);
            break;
        case "resume-alone":
            if (group.Rank == 0)
            {
                Sft.Resume(null, command[1], Sharding.None);
            }

            break;
        case "memory":
            Memory.Measure(group, Division(1), Number(2), Number(3));
            break;
        case "speed":
            Speed.Measure(group, Number(1), Number(2));
            break;
        case "wait":
            Waiting.Run(group);
            break;
        default:
            throw new ArgumentException($"Unknown command '{command[0]}'.");
    }
}

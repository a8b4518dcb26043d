using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using MiniOneRec.Training.Distributed;

namespace MiniOneRec.Studies;

/// <summary>Training by several processes under mpirun: whether it equals one process, what it costs in time, what a process
/// holds.</summary>
internal sealed partial class DistributedStudy : IStudy
{
    public string Name => "distributed";

    public string Description =>
        "Several processes against one, with the worker of the tests under mpirun. --worker MiniOneRec.Training.Distributed.Worker.dll "
        + "--parts equality,speed,memory,kills --repeats 10 --width 512 --layers 4 --memory-width 1024 --memory-layers 16";

    public async Task RunAsync(StudyContext context)
    {
        string worker = context.Option("worker", Path.Combine(
            "tests", "MiniOneRec.Training.Distributed.Worker", "bin", "Release", "net10.0", "MiniOneRec.Training.Distributed.Worker.dll"));
        if (!File.Exists(worker))
        {
            throw new FileNotFoundException($"--worker '{Path.GetFullPath(worker)}' does not exist; build the worker of the tests first.");
        }

        int width = context.Option("width", 512), layers = context.Option("layers", 4);
        int memoryWidth = context.Option("memory-width", 1024), memoryLayers = context.Option("memory-layers", 16);
        foreach (string part in context.Options("parts", "equality", "speed", "memory", "kills"))
        {
            switch (part)
            {
                case "equality":
                    await EqualityAsync(context, worker);
                    break;
                case "speed":
                    await SpeedAsync(context, worker, width, layers);
                    break;
                case "memory":
                    foreach (var sharding in Enum.GetValues<Sharding>())
                    {
                        await MemoryAsync(context, worker, sharding, memoryWidth, memoryLayers);
                    }

                    break;
                case "kills":
                    await KillsAsync(context, worker, context.Option("repeats", 10));
                    break;
                default:
                    throw new ArgumentException($"There is no part '{part}'; there are equality, speed, memory and kills.");
            }
        }
    }

    // The worker fails where losses, weights or bits are not as they must be.
    private static async Task EqualityAsync(StudyContext context, string worker)
    {
        foreach (var (ranks, modes) in ((int, string)[])[(2, "all"), (3, "some")])
        {
            var (code, output) = await StartAsync(worker, ranks, context.CancellationToken, "sft", modes);
            var modesSeen = Mode().Matches(output);
            foreach (Match match in modesSeen)
            {
                context.Report("loss_difference", Number(match, "loss"), "", new { ranks, mode = match.Groups["mode"].Value });
                context.Report("weight_difference", Number(match, "weights"), "", new { ranks, mode = match.Groups["mode"].Value });
            }

            context.Report("max_loss_difference", modesSeen.Where(match => !match.Groups["mode"].Value.Contains("bfloat16"))
                .Select(match => Number(match, "loss")).DefaultIfEmpty(double.NaN).Max(), "", new { ranks, type = "float32" });
            context.Report("bit_identical", code == 0 ? 1 : 0, "", new { ranks });
        }
    }

    // One process, then two with twice the batch; the sum of gradients alone tells latency and bandwidth.
    private static async Task SpeedAsync(StudyContext context, string worker, int width, int layers)
    {
        var one = await StepAsync(1);
        var two = await StepAsync(2);
        context.Report("step", one.Step, "ms", new { ranks = 1 });
        context.Report("step", two.Step, "ms", new { ranks = 2 });
        context.Report("overlap_gain", two.Late / two.Step, "", new { ranks = 2, late = two.Late });
        context.Report("weak_efficiency", one.Step / two.Step, "", new { ranks = 2 });
        context.Report("comm_share", 1 - one.Step / two.Step, "", new { ranks = 2, measured = true });
        double latency = two.Small, bandwidth = two.LargeBytes / Math.Max(1e-9, two.Large - two.Small);        // bytes a millisecond
        context.Report("latency", latency, "ms");
        context.Report("bandwidth", bandwidth / 1e6, "GB/s");
        foreach (int ranks in (int[])[2, 8, 64, 512])
        {
            // A ring sends 2 (n − 1)/n of the gradient in 2 (n − 1) messages; two ranks are the measured case.
            double messages = ranks - 1, volume = 2.0 * (ranks - 1) / ranks;
            double time = messages * latency + volume * two.GradientBytes / bandwidth;
            context.Report("comm_share", time / (time + one.Step), "", new { ranks, measured = false });
        }

        async Task<Speed> StepAsync(int ranks)
        {
            var (_, output) = await StartAsync(worker, ranks, context.CancellationToken, "speed", $"{width}", $"{layers}");
            var match = Timing().Match(output);
            return match.Success
                ? new Speed(Number(match, "step"), Number(match, "late"), Number(match, "gradient"), Number(match, "small"),
                    Number(match, "large"), Number(match, "bytes"))
                : throw new InvalidDataException($"The worker gave no figures: {output}");
        }
    }

    // A random process is killed at a random moment of a random step, and another number of processes with another division goes on.
    private static async Task KillsAsync(StudyContext context, string worker, int repeats)
    {
        string[] shardings = ["None", "OptimizerState", "Gradients", "Weights"];
        var random = new Random(context.Option("seed", 1));
        int good = 0;
        for (int repeat = 0; repeat < repeats; repeat++)
        {
            string folder = Directory.CreateTempSubdirectory("minionerec-kill-").FullName;
            try
            {
                int ranks = random.Next(2, 4), victim = random.Next(ranks), resumed = random.Next(1, 4);
                int step = random.Next(3, 26), moment = random.Next(60);
                string sharding = shardings[repeat % 2 == 0 ? 3 : random.Next(3)];
                string then = shardings[repeat % 4 == 0 ? 3 : random.Next(3)];
                var (_, broken) = await StartAsync(
                    worker, ranks, context.CancellationToken, "kill", folder, sharding, $"{victim}", $"{step}", $"{moment}");
                bool named = Enumerable.Range(0, ranks).All(rank => rank == victim
                    || broken.Contains($"rank {rank}: 'kill ", StringComparison.Ordinal));
                var (code, output) = await StartAsync(worker, resumed, context.CancellationToken, "resume", folder, then, "any");
                var match = Resumed().Match(output);
                bool equal = code == 0 && match.Success;
                good += named && equal ? 1 : 0;
                if (!named || !equal)
                {
                    Console.Error.WriteLine(broken + output);
                }

                context.Report("kill", named && equal ? 1 : 0, "", new
                {
                    ranks, victim, step, moment, sharding, resumed, then, named, equal,
                    steps = match.Success ? Number(match, "steps") : -1,
                    loss = match.Success ? Number(match, "loss") : -1,
                    weights = match.Success ? Number(match, "weights") : -1,
                });
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        context.Report("kills_survived", good, "", new { of = repeats });
    }

    // The plan is that of the tool's command doctor.
    private static async Task MemoryAsync(StudyContext context, string worker, Sharding sharding, int width, int layers)
    {
        const int Ranks = 2;
        var (_, output) = await StartAsync(worker, Ranks, context.CancellationToken, "memory", $"{sharding}", $"{width}", $"{layers}");
        var match = Bytes().Match(output);
        if (!match.Success)
        {
            throw new InvalidDataException($"The worker gave no figures: {output}");
        }

        double plan = TrainingMemory.BytesPerParameter(sharding, Ranks), peak = Number(match, "peak");
        context.Report($"zero{(int)sharding}.bytes", peak, "B/parameter",
            new { ranks = Ranks, expected = plan, held = Number(match, "held"), parameters = Number(match, "parameters") });
        context.Report($"zero{(int)sharding}.plan", peak / plan, "", new { ranks = Ranks, within = Math.Abs(peak / plan - 1) <= 0.15 });
    }

    private static async Task<(int Code, string Output)> StartAsync(
        string worker, int ranks, CancellationToken cancellationToken, params string[] arguments)
    {
        var start = new ProcessStartInfo("mpirun") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] tolerance = arguments[0] == "kill"
            ? ["--mca", "orte_enable_recovery", "1", "--mca", "orte_abort_on_non_zero_status", "0"] : [];
        foreach (string argument in (string[])
            [.. tolerance, "-n", $"{ranks}", "--oversubscribe", "--bind-to", "none", "dotnet", Path.GetFullPath(worker), .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        foreach (string name in (string[])
            ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"])
        {
            start.Environment[name] = "1";
        }

        if (arguments[0] == "memory")
        {
            start.Environment["MALLOC_MMAP_THRESHOLD_"] = $"{1 << 20}";                 // freed blocks go back to the system
        }

        using var process = Process.Start(start)!;
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(cancellationToken),
            process.StandardError.ReadToEndAsync(cancellationToken));
        await process.WaitForExitAsync(cancellationToken);
        return (process.ExitCode, await output + await errors);
    }

    [GeneratedRegex(@"figures resume 0: steps (?<steps>\d+), loss (?<loss>[^,\s]+), weights (?<weights>\S+)")]
    private static partial Regex Resumed();

    private static double Number(Match match, string group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"figures (?<mode>[^:\n]+): loss (?<loss>[^,\s]+), weights (?<weights>\S+)")]
    private static partial Regex Mode();

    [GeneratedRegex(@"figures memory \w+: parameters (?<parameters>\d+), held (?<held>[\d.]+), peak (?<peak>[\d.]+)")]
    private static partial Regex Bytes();

    [GeneratedRegex(@"figures speed: step (?<step>[\d.]+), late (?<late>[\d.]+), gradient (?<gradient>\d+), "
        + @"small (?<small>[\d.]+), large (?<large>[\d.]+), bytes (?<bytes>\d+)")]
    private static partial Regex Timing();

    private sealed record Speed(double Step, double Late, double GradientBytes, double Small, double Large, double LargeBytes);
}

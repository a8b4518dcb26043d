using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace MiniOneRec.Studies;

/// <summary>Training by several processes under mpirun: whether it equals one process, what it costs in time, what a process
/// holds.</summary>
internal sealed partial class DistributedStudy : IStudy
{
    public string Name => "distributed";

    public string Description =>
        "Several processes against one, with the worker of the tests under mpirun. --worker MiniOneRec.Training.Distributed.Worker.dll "
        + "--parts equality,speed,memory --width 512 --layers 4 --memory-width 1024 --memory-layers 16";

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
        foreach (string part in context.Options("parts", "equality", "speed", "memory"))
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
                    await MemoryAsync(context, worker, "OptimizerState", 1, 4 + 12 / 2.0, memoryWidth, memoryLayers);
                    await MemoryAsync(context, worker, "Gradients", 2, 2 + 14 / 2.0, memoryWidth, memoryLayers);
                    await MemoryAsync(context, worker, "Weights", 3, 16 / 2.0, memoryWidth, memoryLayers);
                    break;
                default:
                    throw new ArgumentException($"There is no part '{part}'; there are equality, speed and memory.");
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

    private static async Task MemoryAsync(
        StudyContext context, string worker, string sharding, int stage, double expected, int width, int layers)
    {
        var (_, output) = await StartAsync(worker, 2, context.CancellationToken, "memory", sharding, $"{width}", $"{layers}");
        var match = Bytes().Match(output);
        if (!match.Success)
        {
            throw new InvalidDataException($"The worker gave no figures: {output}");
        }

        context.Report($"zero{stage}.bytes", Number(match, "peak"), "B/parameter",
            new { ranks = 2, expected, held = Number(match, "held"), parameters = Number(match, "parameters") });
    }

    private static async Task<(int Code, string Output)> StartAsync(
        string worker, int ranks, CancellationToken cancellationToken, params string[] arguments)
    {
        var start = new ProcessStartInfo("mpirun") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])
            ["-n", $"{ranks}", "--oversubscribe", "--bind-to", "none", "dotnet", Path.GetFullPath(worker), .. arguments])
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

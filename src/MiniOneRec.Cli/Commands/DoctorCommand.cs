using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Processes;
using MiniOneRec.Training.Distributed;
using TorchSharp;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>doctor</c>: the machine, the native library, the GPU, and what memory a model needs.</summary>
internal static class DoctorCommand
{
    private static readonly Option<string?> Plan =
        new("--plan") { Description = "Estimate the memory of a model of this size, for example 0.5B, 1.5B or 7B.", HelpName = "SIZE" };
    private static readonly Option<int> Ranks =
        new("--ranks") { Description = "Processes that share the training state.", DefaultValueFactory = _ => 1 };

    public static Command Create(CliContext context)
    {
        var command = new Command("doctor", "Check machine, native library and GPU; estimate memory.");
        command.Options.Add(Plan);
        command.Options.Add(Ranks);
        command.SetAction(async (line, cancellationToken) =>
        {
            var reporter = context.Reporter(line);
            string mpi = MpiLauncher.Find() is { } launcher ? $"{await MpiLauncher.VersionAsync(launcher, cancellationToken)}, {launcher}"
                : "not found; --processes needs it (apt-get install openmpi-bin libopenmpi3)";
            reporter.Table("check", ["check", "result"], [.. Checks(), new object?[] { "mpirun", mpi }]);
            if (line.GetValue(Plan) is { } size)
            {
                ShowPlan(reporter, Parameters(size), Math.Max(1, line.GetValue(Ranks)));
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static List<IReadOnlyList<object?>> Checks()
    {
        var memory = GC.GetGCMemoryInfo();
        var checks = new List<IReadOnlyList<object?>>
        {
            new object?[] { "version", typeof(DoctorCommand).Assembly.GetName().Version?.ToString(3) },
            new object?[] { "runtime", RuntimeInformation.FrameworkDescription },
            new object?[] { "system", $"{RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}" },
            new object?[] { "processors", Environment.ProcessorCount },
            new object?[] { "memory", string.Create(CultureInfo.InvariantCulture, $"{memory.TotalAvailableMemoryBytes / 1e9:F1} GB") },
        };
        try
        {
            checks.Add(new object?[] { "libtorch", torch.__version__ });
            checks.Add(new object?[] { "threads", torch.get_num_threads() });
            checks.Add(new object?[] { "cuda", torch.cuda.is_available() ? $"{torch.cuda.device_count()} devices" : "not available" });
        }
        catch (Exception e) when (e is DllNotFoundException or TypeInitializationException or NotSupportedException)
        {
            checks.Add(new object?[] { "libtorch", $"missing: {e.Message}. Reference TorchSharp-cpu or TorchSharp-cuda-linux." });
        }

        return checks;
    }

    // The study "distributed --parts memory" holds the rows of training against what processes really take.
    private static void ShowPlan(Reporter reporter, double parameters, int ranks)
    {
        (string Name, double Bytes)[] rows =
        [
            ("serving, float32", 4), ("serving, bfloat16", 2), ("training, LoRA (bfloat16 base)", 2.2),
            ("training, data parallel", TrainingMemory.BytesPerParameter(Sharding.None, ranks)),
            ("training, ZeRO-1", TrainingMemory.BytesPerParameter(Sharding.OptimizerState, ranks)),
            ("training, ZeRO-2", TrainingMemory.BytesPerParameter(Sharding.Gradients, ranks)),
            ("training, ZeRO-3", TrainingMemory.BytesPerParameter(Sharding.Weights, ranks)),
        ];
        reporter.Table("plan", ["model state", "bytes per parameter", "GB per process"], rows.Select(
            row => (IReadOnlyList<object?>)[row.Name, Math.Round(row.Bytes, 2), Math.Round(row.Bytes * parameters / 1e9, 2)]));
        reporter.OnMessage("Activations, caches and the runtime come on top.");
    }

    private static double Parameters(string size)
    {
        double unit = char.ToUpperInvariant(size.Length > 0 ? size[^1] : ' ') switch { 'B' => 1e9, 'M' => 1e6, _ => 0 };
        return unit > 0 && double.TryParse(size[..^1], CultureInfo.InvariantCulture, out double number) && number > 0
            ? number * unit
            : throw new ArgumentException($"--plan is '{size}'; expected a number with M or B, for example 0.5B.");
    }
}

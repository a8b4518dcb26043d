using System.Text.Json;

namespace MiniOneRec.Studies;

/// <summary>Speed and memory of supervised training, as ratios within one run; each part in a process of its own.</summary>
internal sealed class SftStudy : IStudy
{
    private static readonly string[] Parts = ["float32", "bfloat16", "memory", "packing", "optimizer", "plain", "drift", "content"];

    public string Name => "sft";

    public string Description =>
        $"Speed and memory of supervised training. --parts {string.Join(',', Parts)}, --layers 24, --tokens 2048, "
        + "--steps 3 (Qwen2.5-0.5B shape), --packing-layers 4, --packing-users 48, --plain-users 0 (all), --drift-steps 10000";

    public async Task RunAsync(StudyContext context)
    {
        var parts = context.Options("parts", Parts);
        int layers = context.Option("layers", 24), tokens = context.Option("tokens", 2_048), steps = context.Option("steps", 3);
        int packingLayers = context.Option("packing-layers", 4), packingUsers = context.Option("packing-users", 48),
            driftSteps = context.Option("drift-steps", 10_000), plainUsers = context.Option("plain-users", 0);
        if (parts.Count > 1)
        {
            string data = context.DataPath("Amazon") is var path ? Path.GetDirectoryName(path)! : "",
                fixtures = Path.GetDirectoryName(context.FixturePath("tokenizer"))!;
            foreach (string part in parts)
            {
                await RunAloneAsync(context, part, [
                    "--layers", $"{layers}", "--tokens", $"{tokens}", "--steps", $"{steps}", "--packing-layers", $"{packingLayers}",
                        "--packing-users", $"{packingUsers}",
                    "--drift-steps", $"{driftSteps}", "--plain-users", $"{plainUsers}",
                    .. part == "memory" ? (string[])["--allocator", "memory"] : [],
                    .. part is "packing" or "plain"
                    ? (string[])["--data", data, .. part == "packing" ? (string[])["--fixtures", fixtures] : []] : []]);
            }

            return;
        }

        switch (parts[0])
        {
            case "float32": SftThroughput.Utilization(context, bfloat16: false, layers, tokens, steps); break;
            case "bfloat16": SftThroughput.Utilization(context, bfloat16: true, layers, tokens, steps); break;
            case "memory": SftThroughput.Memory(context, layers, tokens, steps); break;
            case "packing": await SftComparison.PackingAsync(context, packingLayers, packingUsers); break;
            case "optimizer": SftComparison.Optimizer(context); break;
            case "plain": await SftComparison.PlainAsync(context, plainUsers); break;
            case "content": await SftContent.RatioAsync(context, Math.Max(3, steps)); break;
            case "drift": SftThroughput.Drift(context, driftSteps); break;
            default: throw new ArgumentException($"There is no part '{parts[0]}'; there are {string.Join(", ", Parts)}.");
        }
    }

    private static async Task RunAloneAsync(StudyContext context, string part, IReadOnlyList<string> arguments)
    {
        context.Log($"{part} …");
        string json = Path.GetTempFileName();
        try
        {
            using var process = ChildProcess.Start("sft", ["--parts", part, "--json", json, .. arguments]);
            await process.StandardOutput.ReadToEndAsync(context.CancellationToken);
            await process.WaitForExitAsync(context.CancellationToken);
            foreach (string line in await File.ReadAllLinesAsync(json, context.CancellationToken))
            {
                using var figure = JsonDocument.Parse(line);
                var root = figure.RootElement;
                context.Report(
                    root.GetProperty("figure").GetString()!,
                    root.GetProperty("value") is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : double.NaN,
                    root.GetProperty("unit").GetString()!);
            }

            if (process.ExitCode != 0)
            {
                throw new InvalidDataException($"Part '{part}' failed with code {process.ExitCode}.");
            }
        }
        finally
        {
            File.Delete(json);
        }
    }
}

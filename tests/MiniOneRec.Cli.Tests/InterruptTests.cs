using System.Text.Json.Nodes;
using MiniOneRec.Cli.Output;

namespace MiniOneRec.Cli.Tests;

/// <summary>Ctrl+C, as a signal that a process of its own gets.</summary>
[Collection(TrainedShops.Name)]
public sealed class InterruptTests(TrainedShop whole) : IDisposable
{
    private const string Windows = "Windows sends no SIGINT to a process without a console.";
    private const string InTraining = "\"event\":\"progress\",\"stage\":\"sft\"";
    private const string Stopping = "Stopping after this step; press Ctrl+C again to leave at once.";
    private readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    private string[] Run(string folder, params string[] more) => ["run", .. _shop.Data, "--skip-rl", "--baselines", "popularity", "--json",
        "--output", _shop.In(folder), .. more];

    [SkippableFact]
    public async Task The_first_interrupt_ends_the_step_and_the_resumed_run_ends_like_the_unbroken_one()
    {
        Skip.If(OperatingSystem.IsWindows(), Windows);
        string[] settings = ["--preset", "smoke"];
        using (var stopped = new ToolProcess(Run("run", settings)))
        {
            await stopped.SaysAsync(InTraining);
            await stopped.InterruptAsync();

            Assert.Equal(ExitCodes.Cancelled, await stopped.ExitAsync());
            Assert.Contains(Stopping, stopped.Error, StringComparison.Ordinal);
            var last = JsonNode.Parse(stopped.Error.Trim().Split('\n')[^1])!;
            Assert.Equal(("cancelled", 130), ((string?)last["event"], (int)last["code"]!));
            Assert.Contains($"To resume, run the same command again: it goes on in '{_shop.In("run")}'", (string?)last["message"],
                StringComparison.Ordinal);
        }

        Assert.True(Directory.Exists(_shop.In("run/checkpoints/sft")));
        Assert.False(Directory.Exists(_shop.In("run/model")));
        Assert.False(File.Exists(_shop.In("run/.lock")));
        using (var resumed = new ToolProcess(Run("run", settings)))
        {
            Assert.True(await resumed.ExitAsync() == 0, resumed.Error);
        }

        Assert.Equal(whole.Model, await File.ReadAllBytesAsync(_shop.In("run/model/model.safetensors")));
    }

    [SkippableFact]
    public async Task The_second_interrupt_leaves_at_once()
    {
        Skip.If(OperatingSystem.IsWindows(), Windows);

        // A step of this model takes most of a second: the second signal comes within one.
        string settings = _shop.Write("slow.json", """
            {"preset": "smoke", "recipe": {"preset": {"hiddenSize": 384, "layers": 4, "sftEpochs": 20, "batchSize": 64}}}
            """);
        using var tool = new ToolProcess(Run("run", "--settings", settings));
        await tool.SaysAsync(InTraining);
        await tool.InterruptAsync();
        await tool.SaysAsync(Stopping);
        await tool.InterruptAsync();

        Assert.Equal(ExitCodes.Cancelled, await tool.ExitAsync());
        Assert.DoesNotContain("To resume", tool.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("\"event\":\"cancelled\"", tool.Error, StringComparison.Ordinal);
        using (RunFolder.Open(_shop.In("run"), new JsonReporter(TextWriter.Null, TextWriter.Null, quiet: true)))
        {
            Assert.True(File.Exists(_shop.In("run/minionerec.json")));     // what a process left so can be opened again
        }
    }
}

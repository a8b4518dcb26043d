using System.Text.Json.Nodes;

namespace MiniOneRec.Cli.Tests;

/// <summary>Ctrl+C in commands of one stage, and while a quantizer learns.</summary>
public sealed class InterruptedTrainingTests : IDisposable
{
    private const string Windows = "Windows sends no SIGINT to a process without a console.";
    private readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    private string[] Index(string levels)
    {
        var (orders, items) = Many(40);
        return ["index", "--interactions", orders, "--items", items, "--json", "--levels", levels, "--output", _shop.In("out")];
    }

    [SkippableFact]
    public async Task Train_saves_the_step_and_the_same_command_ends_the_training()
    {
        Skip.If(OperatingSystem.IsWindows(), Windows);
        string settings = _shop.Write("long.json", """{"preset": "smoke", "recipe": {"preset": {"sftEpochs": 100}}}""");
        string[] command = ["train", .. _shop.Data, "--settings", settings, "--json", "--output", _shop.In("out")];

        await InterruptAsync(command, "sft", $"it goes on in '{_shop.In("out")}'");

        Assert.Single(Directory.GetDirectories(_shop.In("out/checkpoints/sft"), "step-*"));
        Assert.False(Directory.Exists(_shop.In("out/model")));
        var (code, _, error) = await Shop.RunAsync(command);
        Assert.True(code == 0, error);
        Assert.True(File.Exists(_shop.In("out/model/model.safetensors")));
        Assert.True(FirstStep(error, "sft") > 1, error);
    }

    [SkippableFact]
    public async Task Run_saves_the_quantizer_that_learns_and_goes_on_with_it()
    {
        Skip.If(OperatingSystem.IsWindows(), Windows);
        string[] command = ["run", "--interactions", _shop.Interactions, "--items", _shop.Items, "--preset", "smoke", "--skip-rl",
            "--baselines", "popularity", "--json", "--output", _shop.In("out")];

        await InterruptAsync(command, "quantizer", $"it goes on in '{_shop.In("out")}'");

        long saved = Saved("out/checkpoints/index");
        Assert.InRange(saved, 1, 499);
        var (code, _, error) = await Shop.RunAsync(command);
        Assert.True(code == 0, error);
        Assert.Equal(saved + 1, FirstStep(error, "quantizer"));
        Assert.DoesNotContain("\"event\":\"started\",\"stage\":\"embeddings\"", error, StringComparison.Ordinal);
        Assert.Equal("completed", (string?)JsonNode.Parse(await File.ReadAllTextAsync(_shop.In("out/report.json")))!["quantizer"]!
            ["stopReason"]);
    }

    [SkippableFact]
    public async Task Index_saves_the_quantizer_refuses_other_settings_and_goes_on_with_it()
    {
        Skip.If(OperatingSystem.IsWindows(), Windows);

        await InterruptAsync(Index("8,8"), "rq-vae", $"it goes on in '{_shop.In("out")}'");

        long saved = Saved("out/unfinished/quantizer");
        var (code, _, error) = await Shop.RunAsync(Index("8,7"));
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("codebookSizes", error, StringComparison.Ordinal);
        Assert.Contains("--restart", error, StringComparison.Ordinal);
        (code, _, error) = await Shop.RunAsync(Index("8,8"));
        Assert.True(code == 0, error);
        Assert.Equal(saved + 1, FirstStep(error, "rq-vae"));
        Assert.False(Directory.Exists(_shop.In("out/unfinished")));
        var index = await SemanticIdIndex.LoadAsync(Assert.Single(Directory.GetFiles(_shop.In("out"), "*.index.json")));
        Assert.Equal((40, 40), (index.Count, index.DistinctCount));
    }

    [SkippableFact]
    public async Task Index_by_k_means_stops_between_iterations_and_says_that_it_begins_anew()
    {
        Skip.If(OperatingSystem.IsWindows(), Windows);
        var (orders, items) = Many(3_000);
        string[] command = ["index", "--interactions", orders, "--items", items, "--json", "--quantizer", "rq-kmeans-balanced",
            "--levels", "64,64,64", "--output", _shop.In("out")];

        await InterruptAsync(command, "rq-kmeans", "run the same command again: it begins anew");

        Assert.False(Directory.Exists(_shop.In("out/unfinished")));
    }

    // Sends the signal when a stage has begun to report, and reads the last line that the tool writes.
    private static async Task InterruptAsync(string[] command, string stage, string says)
    {
        using var tool = new ToolProcess(command);
        await tool.SaysAsync($"\"event\":\"progress\",\"stage\":\"{stage}\"");
        await tool.InterruptAsync();

        Assert.Equal(ExitCodes.Cancelled, await tool.ExitAsync());
        var last = JsonNode.Parse(tool.Error.Trim().Split('\n')[^1])!;
        Assert.Equal(("cancelled", 130), ((string?)last["event"], (int)last["code"]!));
        Assert.Contains(says, (string?)last["message"], StringComparison.Ordinal);
    }

    private static long FirstStep(string error, string stage) => error.Split('\n').Where(line => line.StartsWith('{'))
        .Select(line => JsonNode.Parse(line)!).Where(line => (string?)line["event"] == "progress" && (string?)line["stage"] == stage)
        .Select(line => (long)line["step"]!).First();

    // A shop of so many items that balanced clusters take seconds.
    private (string Orders, string Items) Many(int count)
    {
        var random = new Random(1);
        string[] words = [.. Enumerable.Range(0, 80).Select(word => $"w{(char)('a' + word % 26)}{(char)('a' + word / 26)}x")];
        var items = new JsonObject([.. Enumerable.Range(0, count).Select(item => KeyValuePair.Create($"i{item}", (JsonNode?)new JsonObject
        {
            ["title"] = string.Join(' ', Enumerable.Range(0, 6).Select(_ => words[random.Next(words.Length)])),
        }))]);
        string orders = string.Concat(Enumerable.Range(0, count / 10).Select(user =>
            $"u{user} {string.Join(' ', Enumerable.Range(0, 10).Select(step => $"i{user * 10 + step}"))}\n"));
        return (_shop.Write("many.txt", orders), _shop.Write("many.item.json", items.ToJsonString()));
    }

    private long Saved(string folder) => long.Parse(
        Path.GetFileName(Assert.Single(Directory.GetDirectories(_shop.In(folder), "step-*")))["step-".Length..],
        System.Globalization.CultureInfo.InvariantCulture);
}

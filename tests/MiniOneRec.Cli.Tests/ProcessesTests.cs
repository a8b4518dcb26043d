using System.Diagnostics;
using System.Text.Json.Nodes;
using MiniOneRec.Cli.Processes;

namespace MiniOneRec.Cli.Tests;

/// <summary>Training by several processes, which the tool or the user starts by mpirun.</summary>
public sealed class ProcessesTests(ProcessesTests.OneProcess shared) : IClassFixture<ProcessesTests.OneProcess>
{
    private readonly Shop _shop = shared.Shop;

    private string[] Train(string folder, params string[] more) => shared.Train(folder, more);

    [SkippableFact]
    public async Task Two_processes_learn_and_recommend_like_one_and_the_first_alone_speaks_and_writes()
    {
        RequireMpi();
        await shared.TrainedAsync();

        var (code, output, error) = await Shop.RunAsync(Train("two", "--processes", "2", "--sharding", "gradients"));

        Assert.True(code == 0, error);
        Assert.InRange(Difference("one", "two"), 0, 1e-6);
        string?[] started = [.. error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)
            .Where(line => (string?)line["event"] == "started").Select(line => (string?)line["stage"])];
        Assert.All((string[])["sequences", "sft", "shares", "evaluate minionerec"],
            stage => Assert.Single(started, stage));
        Assert.Single(output.Split('\n'), line => line.Contains("\"event\":\"model\"", StringComparison.Ordinal));
        Assert.Equal(2, (int)Report("two")["processes"]!);
        Assert.Equal("Gradients", (string?)Report("two")["sharding"]);
        Assert.Equal(Figures("one"), Figures("two"));
        Assert.Equal(await RecommendedAsync("one"), await RecommendedAsync("two"));
        Assert.False(Directory.Exists(_shop.In("two/checkpoints")));
    }

    [SkippableFact]
    public async Task Ctrl_C_stops_all_processes_and_those_that_mpirun_starts_go_on()
    {
        RequireMpi();
        await shared.TrainedAsync();
        using (var stopped = new ToolProcess(Train("stopped", "--processes", "2", "--sharding", "state")))
        {
            await stopped.SaysAsync("\"event\":\"progress\",\"stage\":\"sft\",\"step\":2");
            await stopped.InterruptAsync();

            Assert.Equal(ExitCodes.Cancelled, await stopped.ExitAsync());
            Assert.Contains("To resume, run the same command again", stopped.Error, StringComparison.Ordinal);
        }

        Assert.True(Directory.Exists(_shop.In("stopped/checkpoints/sft")));
        Assert.False(File.Exists(_shop.In("stopped/.lock")));

        var (code, error) = await MpirunAsync(["-n", "2", .. Tool, .. Train("stopped", "--sharding", "state")]);

        Assert.True(code == 0, error);
        Assert.InRange(Difference("one", "stopped"), 0, 1e-6);
        Assert.Equal(await RecommendedAsync("one"), await RecommendedAsync("stopped"));
    }

    [SkippableFact]
    public async Task Processes_with_other_options_or_data_are_named()
    {
        RequireMpi();
        // The same path is another file for each working folder.
        string other = Directory.CreateDirectory(_shop.In("other")).FullName;
        await File.WriteAllTextAsync(Path.Combine(other, "orders.txt"), await File.ReadAllTextAsync(_shop.Interactions) + "u99 i1 i2 i3\n");
        string[] common = [.. Tool, "train", "--index", _shop.Index, "--settings", _shop.In("settings.json"), "--interactions",
            "/proc/self/cwd/orders.txt", "--output", _shop.In("run")];

        var (code, error) = await MpirunAsync(
            ["-n", "1", "-wdir", _shop.Folder, .. common, ":", "-n", "1", "-wdir", _shop.Folder, .. common, "--seed", "7"]);
        Assert.Equal(ExitCodes.Failure, code);
        Assert.Contains("options.recipe.seed is 7 on rank 1 and 42 on rank 0", error, StringComparison.Ordinal);

        (code, error) = await MpirunAsync(["-n", "1", "-wdir", _shop.Folder, .. common, ":", "-n", "1", "-wdir", other, .. common]);
        Assert.Equal(ExitCodes.Failure, code);
        Assert.Matches("The processes are not of one run: data is [0-9a-f]+ on rank 1 and [0-9a-f]+ on rank 0", error);
        Assert.False(File.Exists(_shop.In("run/journal.json")));
    }

    [SkippableFact]
    public async Task A_mistake_on_the_command_line_or_among_the_hosts_is_named_before_anything_starts()
    {
        await RefusedAsync(ExitCodes.Usage, "batch of 16 is below the 17 processes", "--processes", "17");
        await RefusedAsync(ExitCodes.Usage, "--sharding is 'all'; expected none, state", "--processes", "2", "--sharding", "all");
        await RefusedAsync(ExitCodes.Usage, "--processes is 0", "--processes", "0");
        await RefusedAsync(ExitCodes.Usage, "give --processes N", "--sharding", "state");
        RequireMpi();
        await RefusedAsync(ExitCodes.BadData, "there is no file", "--processes", "2", "--hostfile", _shop.In("nowhere"));
        await RefusedAsync(ExitCodes.BadData, "line 2: the host 'shop.invalid' is not known",
            "--processes", "2", "--hostfile", _shop.Write("hosts", "localhost slots=1\nshop.invalid slots=4\n"));
        await RefusedAsync(ExitCodes.Usage, "has 3 (localhost 2, 127.0.0.1 1)",
            "--processes", "4", "--hostfile", _shop.Write("hosts", "localhost slots=2 # this one\n\n127.0.0.1:1\n"));
        await RefusedAsync(ExitCodes.BadData, "line 1: 'localhost slots=many' is no machine",
            "--processes", "2", "--hostfile", _shop.Write("hosts", "localhost slots=many\n"));

        async Task RefusedAsync(int expected, string message, params string[] options)
        {
            var (code, _, error) = await Shop.RunAsync(Train("refused", options));
            Assert.Equal(expected, code);
            Assert.Contains(message, (string?)JsonNode.Parse(error)!["message"], StringComparison.Ordinal);
            Assert.False(Directory.Exists(_shop.In("refused")));
        }
    }

    [Fact]
    public async Task A_missing_launcher_names_the_package()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [Tool[1], .. Train("run", "--processes", "2")])
        {
            RedirectStandardError = true, Environment = { ["PATH"] = _shop.Folder },
        };
        using var process = Process.Start(start)!;
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal(ExitCodes.Usage, process.ExitCode);
        Assert.Contains("apt-get install openmpi-bin", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", 1, 2)]
    [InlineData("PMI_RANK=2 PMI_SIZE=4", 2, 4)]
    [InlineData("SLURM_PROCID=3 SLURM_STEP_NUM_TASKS=8", 3, 8)]
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=8", 0, 1)]
    [InlineData("OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1", 0, 1)]
    [InlineData("", 0, 1)]
    public void The_place_is_found_in_the_environment(string variables, int rank, int size)
    {
        var known = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('='))
            .ToDictionary(pair => pair[0], pair => pair[1]);

        Assert.Equal(new RankPlace(rank, size), RankPlace.Of(known.GetValueOrDefault));
    }

    private static string[] Tool => ["dotnet", typeof(CliProgram).Assembly.Location];

    private static void RequireMpi() => Skip.If(
        MpiLauncher.Find() is null && Environment.GetEnvironmentVariable("MINIONEREC_REQUIRE_MPI") != "1", "mpirun was not found.");

    private static async Task<(int Code, string Error)> MpirunAsync(string[] arguments)
    {
        var start = new ProcessStartInfo("mpirun", ["--oversubscribe", "--bind-to", "none", .. arguments])
        {
            RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true,
            Environment =
            {
                ["OMPI_ALLOW_RUN_AS_ROOT"] = "1", ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1", ["OMP_NUM_THREADS"] = "1",
            },
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }

    private JsonNode Report(string folder) => JsonNode.Parse(File.ReadAllText(_shop.In($"{folder}/report.json")))!;

    private double[] Losses(string folder) =>
        [.. Report(folder)["sft"]!["history"]!.AsArray().Select(point => point!["loss"]).OfType<JsonNode>().Select(loss => (double)loss)];

    private double Difference(string one, string other)
    {
        double[] first = Losses(one), second = Losses(other);
        Assert.Equal(first.Length, second.Length);
        Assert.True(first.Length > 20);
        return first.Zip(second, (a, b) => Math.Abs(a - b) / a).Max();
    }

    private string[] Figures(string folder) => [.. Report(folder)["models"]!.AsArray().Select(model =>
        $"{model!["name"]} {model["examples"]} {model["item"]!["HR@5"]} {Math.Round((double)model["item"]!["NDCG@10"]!, 6)}")];

    private async Task<string[]> RecommendedAsync(string folder)
    {
        var (code, output, error) = await Shop.RunAsync(
            "recommend", "--model", _shop.In(folder), "--history", "i1,i2,i3", "--count", "10", "--json");
        Assert.True(code == 0, error);
        string[] items = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => (string?)JsonNode.Parse(line)!["item"]).OfType<string>()];
        Assert.Equal(10, items.Length);
        return items;
    }

    /// <summary>A log, and what one process learns from it: trained once, when a test asks for it.</summary>
    public sealed class OneProcess : IDisposable
    {
        // Nothing is drawn at random, so that the loss is that of one process.
        private const string Settings = """
            {"preset": "smoke", "recipe": {"preset": {"dropout": 0, "denseHead": false, "sftEpochs": 6, "batchSize": 16}}}
            """;

        private readonly string _log;
        private Task? _trained;

        public OneProcess()
        {
            _log = Shop.Write("orders.csv", "user,item,time\n" + string.Concat(Enumerable.Range(0, 60).SelectMany(user =>
                Enumerable.Range(0, 7).Select(step => $"u{user},i{(user * 5 + step) % 24},{1_600_000_000 + step * 1000}\n"))));
            Shop.Write("settings.json", Settings);
        }

        public Shop Shop { get; } = new();

        public string[] Train(string folder, params string[] more) =>
            ["train", "--input", _log, "--index", Shop.Index, "--settings", Shop.In("settings.json"), "--json", "--output",
                Shop.In(folder), .. more];

        /// <summary>Leaves the folder "one".</summary>
        public Task TrainedAsync() => _trained ??= TrainAsync();

        public void Dispose() => Shop.Dispose();

        private async Task TrainAsync()
        {
            var (code, _, error) = await Shop.RunAsync(Train("one"));
            Assert.True(code == 0, error);
        }
    }
}

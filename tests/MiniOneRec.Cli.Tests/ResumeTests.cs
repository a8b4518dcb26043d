using System.Text.Json.Nodes;
using MiniOneRec.Cli.Output;

namespace MiniOneRec.Cli.Tests;

/// <summary>Runs that are stopped, continued, refused and begun anew.</summary>
[Collection(TrainedShops.Name)]
public sealed class ResumeTests(TrainedShop whole) : IDisposable
{
    private readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    private string[] Run(string folder, params string[] more) =>
        ["run", .. _shop.Data, "--preset", "smoke", "--skip-rl", "--baselines", "popularity", "--output", _shop.In(folder), .. more];

    [Fact]
    public async Task A_stopped_run_says_how_to_resume_and_the_same_command_ends_it_with_the_same_bits()
    {
        var (code, error) = await StopAsync(Run("run"), "sft");

        Assert.Equal(ExitCodes.Cancelled, code);
        var last = JsonNode.Parse(error.Trim().Split('\n')[^1])!;
        Assert.Equal(("cancelled", 130), ((string?)last["event"], (int)last["code"]!));
        Assert.StartsWith($"Stopped. To resume, run the same command again: it goes on in '{_shop.In("run")}'",
            (string?)last["message"], StringComparison.Ordinal);
        Assert.True(Directory.Exists(_shop.In("run/checkpoints/sft")));
        Assert.False(File.Exists(_shop.In("run/.lock")));
        (code, _, error) = await Shop.RunAsync(Run("run"));
        Assert.True(code == 0, error);
        Assert.Equal(whole.Model, await File.ReadAllBytesAsync(_shop.In("run/model/model.safetensors")));
        Assert.DoesNotContain(error.Split('\n'), line => line.StartsWith("evaluate popularity:", StringComparison.Ordinal));
        Assert.False(Directory.Exists(_shop.In("run/checkpoints")));

        (code, _, error) = await Shop.RunAsync(Run("run"));
        Assert.True(code == 0, error);
        Assert.Contains("is finished; nothing of it is repeated", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_settings_in_a_run_folder_are_refused_by_name_until_restart()
    {
        await StopAsync(Run("run"), "sft");

        var (code, _, error) = await Shop.RunAsync(Run("run", "--seed", "7"));
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains("recipe.seed is 42 there and 7 here", error, StringComparison.Ordinal);
        Assert.Contains("--restart", error, StringComparison.Ordinal);

        (code, _, error) = await Shop.RunAsync(Run("run", "--seed", "7", "--restart"));
        Assert.True(code == 0, error);
    }

    [Fact]
    public async Task A_run_folder_of_another_version_or_with_a_damaged_journal_is_refused_and_stays()
    {
        await StopAsync(Run("run"), "sft");
        string journal = _shop.In("run/journal.json");
        var manifest = await ArtifactManifest.LoadAsync(journal);
        await (manifest with { LibraryVersion = "0.0.1" }).SaveAsync(journal);
        byte[] before = await File.ReadAllBytesAsync(journal);

        var (code, _, error) = await Shop.RunAsync(Run("run"));

        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("belongs to version 0.0.1", error, StringComparison.Ordinal);
        Assert.Contains("--restart", error, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(journal));

        await File.WriteAllBytesAsync(journal, before[..(before.Length / 2)]);
        (code, _, error) = await Shop.RunAsync(Run("run"));
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("journal.json", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_that_has_not_changed_is_prepared_once()
    {
        string log = _shop.Write("orders.csv", "user,item,time\n" + string.Concat(Enumerable.Range(0, 40).SelectMany(user =>
            Enumerable.Range(0, 6).Select(step => $"u{user},i{(user + step) % 12},{1_600_000_000 + step * 1000}\n"))));
        string index = _shop.Write("small.index.json", new JsonObject([.. Enumerable.Range(0, 12).Select(item =>
            KeyValuePair.Create($"i{item}", (JsonNode?)new JsonArray($"<a_{item / 4}>", $"<b_{item % 4}>")))]).ToJsonString());
        string[] command = ["run", "--input", log, "--index", index, "--preset", "smoke", "--skip-rl", "--baselines", "popularity",
            "--output", _shop.In("run")];
        var (code, error) = await StopAsync(command, "sft");
        Assert.Equal(ExitCodes.Cancelled, code);
        Assert.Contains("k-core", error, StringComparison.Ordinal);

        (code, _, error) = await Shop.RunAsync(command);

        Assert.True(code == 0, error);
        Assert.Contains("prepared already", error, StringComparison.Ordinal);
        Assert.DoesNotContain("k-core", error, StringComparison.Ordinal);

        await File.AppendAllTextAsync(log, "u1,i3,1700000000\n");
        (code, _, error) = await Shop.RunAsync(command);
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("other data", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_whose_data_cannot_be_read_leaves_no_folder()
    {
        var (code, _, _) = await Shop.RunAsync("run", "--interactions", _shop.In("nowhere.txt"), "--output", _shop.In("run"));

        Assert.Equal(ExitCodes.BadData, code);
        Assert.False(Directory.Exists(_shop.In("run")));
    }

    [Fact]
    public void A_folder_whose_log_cannot_be_written_is_not_said_to_be_in_use_and_is_released()
    {
        string folder = _shop.In("run"), log = Path.Combine(folder, "log.jsonl");
        Directory.CreateDirectory(log);
        var reporter = new JsonReporter(TextWriter.Null, TextWriter.Null, quiet: true);

        var error = Assert.Throws<IOException>(() => RunFolder.Open(folder, reporter));

        Assert.Contains("cannot be written", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Another process", error.Message, StringComparison.Ordinal);
        Directory.Delete(log);
        using (RunFolder.Open(folder, reporter))
        {
            Assert.Contains("Another process", Assert.Throws<IOException>(() => RunFolder.Open(folder, reporter)).Message,
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("10m", 600)]
    [InlineData("1h30m", 5400)]
    [InlineData("1.5h", 5400)]
    [InlineData("00:02:05", 125)]
    public void Durations_are_read(string text, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), Settings.Duration.Parse(text, "--budget"));

    [Theory]
    [InlineData("")]
    [InlineData("10")]
    [InlineData("m")]
    [InlineData("0s")]
    [InlineData("-1m")]
    [InlineData("ten minutes")]
    public void Other_durations_are_refused_by_the_options_name(string text) =>
        Assert.Contains("--budget", Assert.Throws<ArgumentException>(() => Settings.Duration.Parse(text, "--budget")).Message,
            StringComparison.Ordinal);

    [Fact]
    public async Task A_budget_ends_the_training_and_the_run_is_whole()
    {
        var (code, _, error) = await Shop.RunAsync(Run("run", "--budget", "1s"));

        Assert.True(code == 0, error);
        var settings = JsonNode.Parse(await File.ReadAllTextAsync(_shop.In("run/minionerec.json")))!;
        Assert.Equal("00:00:01", (string?)settings["recipe"]!["budget"]);
        Assert.NotNull(JsonNode.Parse(await File.ReadAllTextAsync(_shop.In("run/report.json")))!["sft"]!["stopReason"]);
    }

    // Cancels when a stage starts to report.
    private static async Task<(int Code, string Error)> StopAsync(string[] command, string stage)
    {
        using var stop = new CancellationTokenSource();
        using var error = new Stopper($"\"event\":\"progress\",\"stage\":\"{stage}\"", stop);
        int code = await CliProgram.RunAsync([.. command, "--json"], TextWriter.Null, error, stop.Token);
        return (code, error.ToString());
    }

    private sealed class Stopper(string sign, CancellationTokenSource stop) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value?.Contains(sign, StringComparison.Ordinal) == true)
            {
                stop.Cancel();
            }
        }
    }
}

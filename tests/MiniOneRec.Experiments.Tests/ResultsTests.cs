using System.Text.Json.Nodes;

namespace MiniOneRec.Experiments.Tests;

public sealed class ResultsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-results-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_committed_tables_are_what_the_committed_runs_say()
    {
        string results = Path.Combine(Root(), "benchmarks", "results");
        var pages = ResultPages.Write(new RunStore(results)).ToDictionary(page => page.File, page => page.Text);

        Assert.NotEmpty(pages);
        Assert.Equal(pages.Keys.Order(StringComparer.Ordinal), Directory.EnumerateFiles(results, "*.md").Select(Path.GetFileName)
            .Where(name => name != "README.md").Order(StringComparer.Ordinal));
        Assert.All(pages, page => Assert.Equal(page.Value, File.ReadAllText(Path.Combine(results, page.Key))));
    }

    [Fact]
    public void Every_folder_of_committed_runs_has_a_table()
    {
        string results = Path.Combine(Root(), "benchmarks", "results");

        // A folder with a page of its own is a processor's: see BenchmarkClassTests.
        Assert.All(
            Directory.EnumerateDirectories(results).Where(path => !File.Exists(Path.Combine(path, "README.md"))).Select(Path.GetFileName),
            name => Assert.Contains(ResultPages.Tables, table => table.Experiment == name));
    }

    [Fact]
    public async Task A_kept_run_is_not_made_again()
    {
        int made = 0;
        var store = new RunStore(_folder);
        for (int call = 0; call < 2; call++)
        {
            var run = await store.GetAsync("toy", "a", new JsonObject { ["seed"] = 1 }, () => Make(++made), default);
            Assert.Equal(1, run.Figures["made"]);
            Assert.DoesNotContain("nothing", run.Figures.Keys);
            Assert.Equal([1, 0.5], run.Curve.Select(point => point["loss"]));
        }

        Assert.Equal(1, made);
        Assert.Equal(["a"], store.ReadAll("toy").Select(run => run.Name));
    }

    [Fact]
    public async Task A_run_that_fails_leaves_nothing()
    {
        var store = new RunStore(_folder);

        await Assert.ThrowsAsync<IOException>(() => store.GetAsync("toy", "a", [], () => throw new IOException("no space"), default));

        Assert.Empty(store.ReadAll("toy"));
    }

    [Fact]
    public async Task A_run_with_other_settings_is_refused_by_their_names()
    {
        var store = new RunStore(_folder);
        await store.GetAsync("toy", "a", new JsonObject { ["seed"] = 1, ["width"] = 64 }, () => Make(1), default);

        var error = await Assert.ThrowsAsync<InvalidDataException>(
            () => store.GetAsync("toy", "a", new JsonObject { ["seed"] = 1, ["width"] = 128 }, () => Make(2), default));

        Assert.Contains("(width)", error.Message, StringComparison.Ordinal);
        Assert.Contains("a.json", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"format\": 1")]
    [InlineData("{\"format\": 7, \"experiment\": \"toy\", \"name\": \"a\", \"settings\": {}, \"machine\": null, \"figures\": {}}")]
    [InlineData("null")]
    public async Task A_damaged_run_is_refused_with_its_path(string text)
    {
        Directory.CreateDirectory(Path.Combine(_folder, "toy"));
        await File.WriteAllTextAsync(Path.Combine(_folder, "toy", "a.json"), text);

        var error = Assert.Throws<InvalidDataException>(() => new RunStore(_folder).ReadAll("toy"));

        Assert.Contains("a.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_table_shows_means_by_label()
    {
        var table = new ResultTable(
            "toy", "Toy", "toy --seeds 1,2", run => [((string)run.Settings["set"]!, "model.")],
            [new("HR@10", "HR@10"), new("s", "seconds", 0)]);

        string text = table.ToMarkdown([Run("x", 0.25, 10), Run("x", 0.75, 20), Run("y", 1, double.NaN)]);

        Assert.Contains("| x | .5000 | 15 | 2 |\n| y | 1.0000 | – | 1 |\n", text, StringComparison.Ordinal);
        Assert.Contains("toy --seeds 1,2", text, StringComparison.Ordinal);
        Assert.Contains("Revision: 0123abcd.", text, StringComparison.Ordinal);
    }

    private static RunRecord Run(string set, double hits, double seconds) => new()
    {
        Experiment = "toy", Name = set, Settings = new JsonObject { ["set"] = set }, Revision = "0123abcdef",
            Machine = new MachineRecord("cpu", 2, "cpu", "linux"),
        Figures = new Dictionary<string, double> { ["model.HR@10"] = hits, ["model.seconds"] = seconds },
    };

    private static Task<RunOutcome> Make(int made) =>
        Task.FromResult(new RunOutcome(new Dictionary<string, double> { ["made"] = made, ["nothing"] = double.NaN })
    {
        Curve = [new Dictionary<string, double> { ["loss"] = 1 }, new Dictionary<string, double> { ["loss"] = 0.5 }],
    });

    internal static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "MiniOneRec.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("The repository's root is not above the tests.");
    }
}

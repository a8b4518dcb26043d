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
    public void Every_figure_of_a_committed_page_is_there()
    {
        string results = Path.Combine(Root(), "benchmarks", "results");
        var store = new RunStore(results);
        string[] files = [.. ResultPages.Tables.SelectMany(table => ResultFigures.FilesOf(store, table.Experiment))];

        Assert.NotEmpty(files);
        Assert.Equal(
            files.Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(results, "*.png").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        Assert.All(files, file => Assert.True(IsImage(File.ReadAllBytes(Path.Combine(results, file)))));
    }

    [Fact]
    public async Task Figures_show_what_the_runs_hold()
    {
        var store = new RunStore(_folder);
        for (int size = 1; size <= 5; size++)
        {
            var settings = new JsonObject { ["set"] = "toy", ["seed"] = 1, ["model"] = $"m{size}" };
            int step = size;
            var figures = new Dictionary<string, double>
            {
                ["parameters"] = 1_000 * size * size, ["loss"] = 2 + 10.0 / size, ["HR@10"] = 0.1 * size, ["NDCG@10"] = 0.05 * size,
                ["HR@10.low"] = 0.09 * size, ["HR@10.high"] = 0.11 * size,
            };
            var outcome = new RunOutcome(figures)
            {
                Curve =
                [
                    .. Enumerable.Range(1, 3).Select(i => new Dictionary<string, double> { ["step"] = i, ["NDCG@10"] = 0.01 * i * step }),
                ],
            };
            await store.GetAsync("paper", $"m{size}", settings, () => Task.FromResult(outcome), default);
            await store.GetAsync(ScalingPart.Sizes, $"m{size}", settings, () => Task.FromResult(outcome), default);
        }

        var images = ResultFigures.Draw(store).ToDictionary(image => image.File, image => image.Png);

        Assert.Equal(["paper-curves.png", "paper-scaling.png", "paper.png"], images.Keys.Order(StringComparer.Ordinal));
        Assert.All(images.Values, png => Assert.True(IsImage(png)));
        await store.GetAsync(
            "paper", "m6", new JsonObject { ["set"] = "toy", ["seed"] = 1, ["model"] = "m6" },
            () => Task.FromResult(new RunOutcome(new Dictionary<string, double> { ["HR@10"] = 0.9, ["NDCG@10"] = 0.8 })), default);
        var after = ResultFigures.Draw(store).ToDictionary(image => image.File, image => image.Png);
        Assert.NotEqual(images["paper.png"], after["paper.png"]);
        Assert.Equal(images["paper-scaling.png"], after["paper-scaling.png"]);
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

    // A PNG file begins with the byte 0x89 and these seven.
    private static bool IsImage(byte[] file) => file[0] == 0x89 && file.AsSpan(1).StartsWith("PNG\r\n\u001a\n"u8);

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

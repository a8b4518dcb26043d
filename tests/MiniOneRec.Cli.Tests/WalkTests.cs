using System.Text.Json.Nodes;
using MiniOneRec.Evaluation;

namespace MiniOneRec.Cli.Tests;

/// <summary>One model is trained, and what comes after it is tried on it.</summary>
[Collection(TrainedShops.Name)]
public sealed class WalkTests(TrainedShop trained) : IDisposable
{
    private readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public async Task From_a_log_to_recommendations()
    {
        string run = trained.Run;
        Assert.Contains("minionerec ", trained.Output, StringComparison.Ordinal);
        foreach (string part in (string[])["model/config.json", "index/codes.png", "index/report.json", "report.json", "report.md",
            "report.html", "log.jsonl", "minionerec.json"])
        {
            Assert.True(File.Exists(Path.Combine(run, part)), part);
        }

        string page = await File.ReadAllTextAsync(Path.Combine(run, "report.html"));
        Assert.Contains(">minionerec<", page, StringComparison.Ordinal);
        Assert.DoesNotContain("http", page, StringComparison.OrdinalIgnoreCase);
        Assert.All(await File.ReadAllLinesAsync(Path.Combine(run, "log.jsonl")), line => Assert.NotNull(JsonNode.Parse(line)!["event"]));
        Assert.False(File.Exists(Path.Combine(run, ".lock")));

        await TheSettingsAloneRepeatTheRun(run);
        await RecommendAsync(run);
        await CompareAsync(run);
        await ExportAsync(run);
    }

    [Fact]
    public async Task Two_processes_do_not_share_a_run_folder()
    {
        string run = _shop.In("run");
        Directory.CreateDirectory(run);
        using var held = new FileStream(Path.Combine(run, ".lock"), FileMode.Create, FileAccess.ReadWrite, FileShare.None);

        var (code, _, error) = await Shop.RunAsync(["run", .. _shop.Data, "--preset", "smoke", "--output", run]);

        Assert.Equal(ExitCodes.Failure, code);
        Assert.Contains("Another process", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_grows_by_new_items()
    {
        string index = _shop.In("index");
        var (code, _, error) = await Shop.RunAsync("index", "--interactions", _shop.Interactions, "--items", _shop.Items, "--quantizer",
            "rq-kmeans", "--levels", "4,8,16", "--output", index);
        Assert.True(code == 0, error);
        string more = _shop.Write("more.item.json", """{ "new1": { "title": "Red lamp 99" }, "new2": { "title": "Blue lamp 98" } }""");

        (code, string output, error) = await Shop.RunAsync("grow", "--index", index, "--items", more, "--json", "--quiet");

        Assert.True(code == 0, error);
        Assert.Equal(["new1", "new2"], output.Trim().Split('\n').Select(line => (string?)JsonNode.Parse(line)!["item"]));
        (code, _, error) = await Shop.RunAsync("grow", "--index", index, "--items", more);
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains("new1", error, StringComparison.Ordinal);
    }

    private async Task TheSettingsAloneRepeatTheRun(string run)
    {
        string again = _shop.In("again");
        var (code, _, error) = await Shop.RunAsync("run", "--settings", Path.Combine(run, "minionerec.json"), "--output", again);

        Assert.True(code == 0, error);
        Assert.Equal(
            await File.ReadAllBytesAsync(Path.Combine(run, "model", "model.safetensors")),
            await File.ReadAllBytesAsync(Path.Combine(again, "model", "model.safetensors")));
        var (first, second) = (await ComparisonReport.LoadAsync(Path.Combine(run, "report.json")),
            await ComparisonReport.LoadAsync(Path.Combine(again, "report.json")));
        Assert.Equal(first.Models.Select(model => model.Item["NDCG@10"]), second.Models.Select(model => model.Item["NDCG@10"]));
    }

    private async Task RecommendAsync(string run)
    {
        var (code, output, error) =
            await Shop.RunAsync("recommend", "--model", run, "--history", "i1,i2,unknown", "--count", "3", "--json");
        Assert.True(code == 0, error);
        JsonNode[] items = [.. output.Trim().Split('\n').Select(line => JsonNode.Parse(line)!)];
        Assert.Equal([1, 2, 3], items.Select(item => (int)item["rank"]!));
        Assert.Contains("1 of the history", error, StringComparison.Ordinal);

        string answers = _shop.In("answers.csv");
        var rows = new List<string>();
        for (int part = 0; part < 3; part++)
        {
            (code, _, error) = await Shop.RunAsync(
                "recommend", "--model", run, "--input", _shop.Interactions, "--output", answers, "--count", "2", "--shard", $"{part}/3");
            Assert.True(code == 0, error);
            rows.AddRange((await File.ReadAllLinesAsync(answers))[1..]);
        }

        Assert.Equal(60 * 2, rows.Count);
        Assert.Equal(60, rows.Select(row => row.Split(',')[0]).Distinct().Count());

        string bad = _shop.Write("bad.jsonl", "{\"user\":\"a\",\"history\":[\"i1\"]}\n{\"user\":\"b\"}\n");
        (code, _, error) = await Shop.RunAsync("recommend", "--model", run, "--input", bad, "--output", _shop.In("none.jsonl"));
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("line 2", error, StringComparison.Ordinal);
        Assert.False(File.Exists(_shop.In("none.jsonl")));
    }

    private async Task CompareAsync(string run)
    {
        var (code, output, error) = await Shop.RunAsync(["compare", .. _shop.Data, "--model", run, "--baselines", "popularity", "--json"]);

        Assert.True(code == 0, error);
        JsonNode[] lines = [.. output.Trim().Split('\n').Select(line => JsonNode.Parse(line)!)];
        Assert.Equal(["HR@10", "NDCG@10"],
            lines.Where(line => (string?)line["event"] == "difference").Select(line => (string?)line["metric"]));
        var models = lines.Single(line => (string?)line["event"] == "report")["report"]!["models"]!.AsArray();
        Assert.Equal(["run", "popularity"], models.Select(model => (string?)model!["name"]));
    }

    private async Task ExportAsync(string run)
    {
        string folder = _shop.In("exported");
        var (code, _, error) = await Shop.RunAsync("export", "--model", run, "--output", folder);

        Assert.True(code == 0, error);
        Assert.True(File.Exists(Path.Combine(folder, "model.safetensors")));
        Assert.True(File.Exists(Path.Combine(folder, "config.json")));
        foreach (string form in (string[])["int8", "int4"])
        {
            string small = _shop.In(form);
            (code, _, error) = await Shop.RunAsync("export", "--model", run, "--weights", form, "--output", small);
            Assert.True(code == 0, error);
            (code, string output, error) = await Shop.RunAsync("recommend", "--model", small, "--history", "i1,i2", "--json", "--quiet");
            Assert.True(code == 0, error);
            Assert.Equal(10, output.Trim().Split('\n').Length);
            (code, _, error) = await Shop.RunAsync("export", "--model", small, "--output", _shop.In("whole"));
            Assert.Equal(ExitCodes.Failure, code);
            Assert.Contains(form == "int8" ? "Int8 alone" : "Int4 alone", error, StringComparison.Ordinal);
        }
    }
}

using System.Globalization;
using System.Text.Json.Nodes;
using DuckDB.NET.Data;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.Cli.Tests;

/// <summary>What users do with a finished run: batches, comparisons, export and import.</summary>
[Collection(TrainedShops.Name)]
public sealed class AfterRunTests(TrainedShop trained)
{
    private readonly Shop _shop = trained.Shop;

    [Fact]
    public async Task Batches_are_the_same_in_all_formats_and_in_parts()
    {
        string[] rows = await BatchAsync("all.csv");
        Assert.Equal("user,rank,item,score", rows[0]);
        string[] lines = await BatchAsync("all.jsonl");
        var json = lines.Select(line => JsonNode.Parse(line)!).SelectMany(row => row["items"]!.AsArray().Index().Select(item =>
            string.Create(CultureInfo.InvariantCulture,
                $"{(string?)row["user"]},{item.Index + 1},{(string?)item.Item!["item"]},{(double)item.Item["score"]!:R}")));
        Assert.Equal(rows[1..], json);

        var parts = new List<string>();
        foreach (int part in (int[])[0, 1])
        {
            await BatchAsync($"part-{part}.parquet", "--shard", $"{part}/2");
            parts.AddRange(Parquet($"part-{part}.parquet"));
        }

        Assert.Equal(60 * 2, parts.Count);
        var (all, together) = (Scores(rows[1..]), Scores(parts));
        Assert.Equal(all.Keys.Order(StringComparer.Ordinal), together.Keys.Order(StringComparer.Ordinal));
        Assert.All(all, answer => Assert.Equal(answer.Value, together[answer.Key], 1e-5));      // last bits depend on a batch's rows

        static Dictionary<string, double> Scores(IEnumerable<string> rows) => rows.ToDictionary(
            row => row[..row.LastIndexOf(',')],
            row => double.Parse(row[(row.LastIndexOf(',') + 1)..], CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_batch_to_an_unknown_format_is_refused_before_the_model_is_read()
    {
        var (code, _, error) = await Shop.RunAsync(
            "recommend", "--model", "nowhere", "--input", _shop.Interactions, "--output", "answers.xlsx");

        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains(".parquet", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_runs_are_set_side_by_side_as_tables_page_and_plots()
    {
        var (code, _, error) = await Shop.RunAsync(trained.Command("other", "--seed", "7"));
        Assert.True(code == 0, error);
        string page = _shop.In("side-by-side");

        (code, string output, error) = await Shop.RunAsync(
            "compare", trained.Run, _shop.In("other"), "--output", page, "--json", "--quiet");

        Assert.True(code == 0, error);
        JsonNode[] lines = [.. output.Trim().Split('\n').Select(line => JsonNode.Parse(line)!)];
        var models = lines.Where(line => (string?)line["event"] == "model").ToArray();
        Assert.Equal(["popularity", "minionerec-sft", "minionerec"], models.Select(model => (string?)model["model"]));
        Assert.Equal(0, (double)models[0]["HR@10 change"]!);
        var report = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(trained.Run, "report.json")))!;
        Assert.Equal((double)report["models"]![1]!["item"]!["NDCG@10"]!, (double)models[1]["NDCG@10 run"]!);
        var setting = Assert.Single(lines, line => (string?)line["event"] == "setting");
        Assert.Equal(("recipe.seed", "42", "7"), ((string?)setting["setting"], (string?)setting["run"], (string?)setting["other"]));
        string html = await File.ReadAllTextAsync(Path.Combine(page, "comparison.html"));
        Assert.Contains("data:image/png;base64,", html, StringComparison.Ordinal);
        Assert.DoesNotContain("http", html, StringComparison.OrdinalIgnoreCase);
        foreach (string plot in (string[])["ndcg10.png", "hr10.png", "sft-loss.png"])
        {
            Assert.Equal([0x89, 0x50, 0x4E, 0x47], (await File.ReadAllBytesAsync(Path.Combine(page, plot)))[..4]);
        }
    }

    [Fact]
    public async Task A_comparison_wants_two_runs_or_models_and_says_what_is_no_run()
    {
        foreach (string[] line in (string[][])[["compare"], ["compare", trained.Run],
            ["compare", trained.Run, trained.Run, "--model", trained.Run]])
        {
            Assert.Equal(ExitCodes.Usage, (await Shop.RunAsync(line)).Code);
        }

        var (code, _, error) = await Shop.RunAsync("compare", trained.Run, Directory.CreateDirectory(_shop.In("empty")).FullName);

        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("has no report.json", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_exported_model_comes_back_and_takes_an_adapter()
    {
        string exported = _shop.In("exported"), imported = _shop.In("imported"),
            adapter = _shop.In("adapter"), adapted = _shop.In("adapted");
        await OkAsync("export", "--model", trained.Run, "--output", exported);
        await OkAsync("import", "--from", exported, "--output", imported);
        RecommendationRequest[] requests = [new() { History = ["i1", "i2"], Count = 5 }];
        using var there = await GenerativeRecommender.LoadAsync(imported);
        using (var original = await ModelLoading.LoadAsync(trained.Run, "cpu", CancellationToken.None))
        {
            Assert.True(original.Model.EmbeddingWeight.allclose(there.Model.EmbeddingWeight, rtol: 0, atol: 0));
        }

        UserSequence[] users = [.. Enumerable.Range(0, 8)
            .Select(user => new UserSequence($"u{user}", [$"i{user}", $"i{user + 3}", $"i{user + 9}"]))];
        var lora = new LoraOptions { Rank = 2, SaveTo = adapter, Merge = true };
        await new SftTrainer(new SftOptions { MaxSteps = 3, WarmupSteps = 0, LearningRate = 0.1, Lora = lora }).TrainAsync(there, users);
        await OkAsync("import", "--from", imported, "--adapter", adapter, "--output", adapted);

        using var merged = await GenerativeRecommender.LoadAsync(adapted);
        Assert.True(merged.Model.named_parameters().All(pair =>
            there.Model.named_parameters().Single(other => other.name == pair.name).parameter
            .allclose(pair.parameter, rtol: 0, atol: 0)));
        Assert.Equal((await there.RecommendAsync(requests))[0].Items, (await merged.RecommendAsync(requests))[0].Items);
    }

    private static async Task OkAsync(params string[] line)
    {
        var (code, _, error) = await Shop.RunAsync(line);
        Assert.True(code == 0, error);
    }

    private async Task<string[]> BatchAsync(string name, params string[] more)
    {
        await OkAsync(["recommend", "--model", trained.Run, "--input", _shop.Interactions, "--count", "2",
            "--output", _shop.In(name), .. more]);
        return Path.GetExtension(name) == ".parquet" ? [] : await File.ReadAllLinesAsync(_shop.In(name));
    }

    private List<string> Parquet(string name)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT \"user\", \"rank\", item, score FROM '{_shop.In(name)}'";
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(string.Create(CultureInfo.InvariantCulture,
                $"{reader.GetString(0)},{reader.GetInt32(1)},{reader.GetString(2)},{reader.GetDouble(3):R}"));
        }

        return rows;
    }
}

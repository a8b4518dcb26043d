using System.Text.Json;

namespace MiniOneRec.Evaluation.Tests;

public sealed class ReportTests
{
    private static readonly SemanticIdIndex Index =
        new([new("a", new(0, 0)), new("b", new(0, 1)), new("c", new(0, 1)), new("d", new(1, 0))]);

    [Fact]
    public async Task ToJson_Report_HasFiguresIntervalsAndCounts()
    {
        var json = JsonElement.Parse((await Report()).ToJson());

        Assert.Equal("pop", json.GetProperty("name").GetString());
        Assert.Equal(4, json.GetProperty("examples").GetInt32());
        Assert.Equal(0.25, json.GetProperty("item").GetProperty("HR@1").GetDouble());
        Assert.Equal(0.5, json.GetProperty("sid").GetProperty("HR@2").GetDouble());
        Assert.Equal(2, json.GetProperty("item").GetProperty("intervals").GetProperty("HR@1").GetArrayLength());
        Assert.Equal(0.5, json.GetProperty("coverage").GetProperty("2").GetDouble());
        Assert.Equal("head", json.GetProperty("slices")[0].GetProperty("name").GetString());
        Assert.Equal(1, json.GetProperty("ambiguousTargets").GetInt32());
        var others = json.GetProperty("withoutTopTarget");
        Assert.Equal(("a", 1, 3), (others.GetProperty("target").GetString(), others.GetProperty("targetExamples").GetInt32(),
            others.GetProperty("examples").GetInt32()));
        Assert.Equal(0, others.GetProperty("item").GetProperty("HR@2").GetDouble());
        var cold = json.GetProperty("cold");
        Assert.Equal(("cold", 1, 2),
            (cold.GetProperty("name").GetString(), cold.GetProperty("items").GetInt32(), cold.GetProperty("examples").GetInt32()));
        Assert.False(json.TryGetProperty("ranks", out _));
    }

    [Fact]
    public async Task ToMarkdown_Report_ShowsBothLevelsSlicesAndCounts()
    {
        string text = (await Report()).ToMarkdown();

        Assert.StartsWith("### pop, 4 examples", text, StringComparison.Ordinal);
        Assert.Contains("| metric | item level | SID level | head | mid | tail |", text, StringComparison.Ordinal);
        Assert.Contains("|---|---:|---:|---:|---:|---:|", text, StringComparison.Ordinal);
        Assert.Contains("| HR@1 | 0.2500 [", text, StringComparison.Ordinal);
        Assert.Contains("Coverage: @1 25.0 %, @2 50.0 %.", text, StringComparison.Ordinal);
        Assert.Contains("ambiguous targets 1", text, StringComparison.Ordinal);
        Assert.Contains("| targets | examples | HR@2 | NDCG@2 | MRR@2 |", text, StringComparison.Ordinal);
        Assert.Contains("| all | 4 | 0.2500 |", text, StringComparison.Ordinal);
        Assert.Contains("| all but a | 3 | 0.0000 |", text, StringComparison.Ordinal);
        Assert.Contains("| cold | 2 | 0.0000 |", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Comparison_SavedAndLoaded_IsTheSame()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("minionerec-").FullName, "report.json");
        var report = await Report();
        var comparison = new ComparisonReport
        {
            Dataset = "toy",
            Split = "given",
            Seed = 7,
            Models = [ModelReport.From(report, 1234, TimeSpan.FromSeconds(1.5), "popularity")],
            Details = new Dictionary<string, object> { ["grpo"] = new { Steps = 3 } },
        };

        await comparison.SaveAsync(path);
        var loaded = await ComparisonReport.LoadAsync(path);

        Assert.Equal(comparison.ToJson(), loaded.ToJson());
        var json = JsonElement.Parse(await File.ReadAllTextAsync(path));
        var model = json.GetProperty("models")[0];
        Assert.Equal(("toy", "given", 7),
            (json.GetProperty("dataset").GetString(), json.GetProperty("split").GetString(), json.GetProperty("seed").GetInt32()));
        Assert.Equal(("popularity", 1234, 1.5),
            (model.GetProperty("name").GetString(), model.GetProperty("parameters").GetInt64(), model.GetProperty("seconds").GetDouble()));
        Assert.Equal(["HR@1", "HR@2", "NDCG@1", "NDCG@2", "MRR@1", "MRR@2"],
            model.GetProperty("item").EnumerateObject().Select(p => p.Name));
        Assert.Equal(["HR@1", "HR@2", "NDCG@1", "NDCG@2", "MRR@1", "MRR@2"],
            model.GetProperty("sid").EnumerateObject().Select(p => p.Name));
        Assert.Equal(report.Item.Intervals["HR@2"].High, model.GetProperty("intervals").GetProperty("HR@2")[1].GetDouble());
        Assert.Equal(3, json.GetProperty("grpo").GetProperty("steps").GetInt32());
        Assert.Contains("| popularity | 1,234 | 1.5 | 0.2500 |", loaded.ToMarkdown(), StringComparison.Ordinal);
        Assert.Contains("By target, HR@2 / NDCG@2:", loaded.ToMarkdown(), StringComparison.Ordinal);
        Assert.Contains("| model | all but a | head | mid | tail | cold |", loaded.ToMarkdown(), StringComparison.Ordinal);
        Assert.Contains("| popularity | 0.0000 / 0.0000 | 1.0000 / 1.0000 |", loaded.ToMarkdown(), StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Theory]
    [InlineData("{\n\"dataset\": 5}", "line 2")]
    [InlineData("null", "holds null")]
    [InlineData("{\"dataset\":\"d\",\"split\":\"s\",\"seed\":1,\"models\":[{\"name\":\"m\",\"item\":{},\"intervals\":{\"HR@1\":[1]}}]}",
        "low and high")]
    public async Task Comparison_BadFile_IsNamed(string text, string expected)
    {
        string path = Path.GetTempFileName();
        await File.WriteAllTextAsync(path, text);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => ComparisonReport.LoadAsync(path));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        File.Delete(path);
        await Assert.ThrowsAsync<FileNotFoundException>(() => ComparisonReport.LoadAsync(path));
    }

    private static Task<EvaluationReport> Report()
    {
        NextItemExample[] examples = [new("1", [], "a"), new("2", [], "c"), new("3", [], "d"), new("4", [], "zzz")];
        var catalog = new EvaluationCatalog(Index, [new UserSequence("t", ["a", "a", "b", "c"])]);
        return new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [1, 2], BootstrapSamples = 100 })
            .EvaluateAsync(new FixedRecommender(_ => ["a", "b", "d"], "pop"), examples, catalog);
    }
}

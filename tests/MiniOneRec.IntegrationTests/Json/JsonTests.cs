using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using MiniOneRec.Evaluation;
using MiniOneRec.Tokenization;

namespace MiniOneRec.IntegrationTests;

/// <summary>What applications send and store as JSON comes back equal, by reflection and by compiled metadata.</summary>
public sealed class JsonTests
{
    private static readonly JsonSerializerOptions Plain =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly SemanticId Id = new(12, 7, 240);

    public static TheoryData<string> Values() => [.. All.Keys];

    private static Dictionary<string, (object Value, IJsonTypeInfoResolver Compiled)> All { get; } = new()
    {
        ["id"] = (Id, MiniOneRecJsonContext.Default),
        ["request"] = (
            new RecommendationRequest { History = ["a", "b"], Count = 3, ExcludedItems = new HashSet<string> { "x" },
            CandidateFilter = _ => true, UserId = "u" },
            MiniOneRecJsonContext.Default),
        ["requests"] = (new List<RecommendationRequest> { new() { History = [] } }, MiniOneRecJsonContext.Default),
        ["recommendation"] = (new Recommendation("a", double.NegativeInfinity, Id), MiniOneRecJsonContext.Default),
        ["result"] = (
            new RecommendationResult([new("a", -0.5, Id), new("b", -1.5)]) { SkippedHistoryItems = 2, Shortfall = 1 },
            MiniOneRecJsonContext.Default),
        ["results"] = (new[] { new RecommendationResult([]) }, MiniOneRecJsonContext.Default),
        ["progress"] = (
            new TrainingProgress("sft", 3, 9) { Metrics = new Dictionary<string, double> { ["loss"] = double.NaN, ["rate"] = 0.1 } },
            MiniOneRecJsonContext.Default),
        ["training"] = (
            new TrainingResult { Steps = 9, BestStep = 3, Elapsed = TimeSpan.FromSeconds(1.5), History = [new("sft", 1, 9)] },
            MiniOneRecJsonContext.Default),
        ["item"] = (new Item { Id = "a", Title = "Tent", Brand = "Alder", Categories = ["Camping"] }, MiniOneRecJsonContext.Default),
        ["sequence"] = (new UserSequence("u", ["a"]) { Timestamps = [5], Weights = [double.NaN] }, MiniOneRecJsonContext.Default),
        ["example"] = (new NextItemExample("u", ["a"], "b") { Timestamp = 6 }, MiniOneRecJsonContext.Default),
        ["index"] = (new SemanticIdIndex([new("a", new(0, 1)), new("b", new(1, 0))], [4, 4]), MiniOneRecJsonContext.Default),
        ["evaluation"] = (Report(), EvaluationJsonContext.Default),
        ["model"] = (ModelReport.From(Report(), 100, TimeSpan.FromSeconds(2)), EvaluationJsonContext.Default),
        ["comparison"] = (
            new ComparisonReport { Dataset = "d", Split = "s", Seed = 1, Models = [ModelReport.From(Report(), 1, default)],
            Details = new Dictionary<string, object> { ["note"] = "n" } },
            EvaluationJsonContext.Default),
        ["paired"] = (new PairedComparison("NDCG@10", 0.1, 0.2, 0.1, new Interval(0.05, double.NaN)), EvaluationJsonContext.Default),
        ["drift"] = (new CatalogueDrift(9, 0, double.NaN, double.NaN, []), TokenizationJsonContext.Default),
        ["addition"] =
        (new CatalogueAddition([Id], ["r"], [new("a", Id, Id, 1, 2)], new(9, 1, 2, 3, ["why"])), TokenizationJsonContext.Default),
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void Value_ComesBackEqual(string name)
    {
        var (value, compiled) = All[name];
        foreach (var options in new[]
        {
            new JsonSerializerOptions(), JsonSerializerOptions.Web, new(JsonSerializerDefaults.Web) { WriteIndented = true },
            new() { TypeInfoResolver = compiled }, new(JsonSerializerDefaults.Web) { TypeInfoResolver = compiled },
            new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull },
        })
        {
            string json = JsonSerializer.Serialize(value, value.GetType(), options);
            object? back = JsonSerializer.Deserialize(json, value.GetType(), options);

            Assert.Equal(json, JsonSerializer.Serialize(back, value.GetType(), options));
            Assert.DoesNotContain("filter", json, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void TrainingResult_WithoutItsFigure_HasNone()
    {
        const string Json = """{"steps":9,"bestStep":3}""";
        foreach (var options in new[] { JsonSerializerOptions.Web, MiniOneRecJsonContext.Default.Options })
        {
            var result = JsonSerializer.Deserialize<TrainingResult>(Json, options)!;

            Assert.True(double.IsNaN(result.BestValidation), $"{result.BestValidation}");
            Assert.Equal((9, 3, "completed", 0), (result.Steps, result.BestStep, result.StopReason, result.History.Count));
            Assert.Equal(0.5, JsonSerializer.Deserialize<TrainingResult>(Json[..^1] + ",\"bestValidation\":0.5}", options)!.BestValidation);
        }
    }

    [Fact]
    public async Task SemanticIdReport_ComesBackEqual()
    {
        var report = await SemanticIdReport.CreateAsync(new SemanticIdIndex([new("a", new(0, 1)), new("b", new(1)), new("c", new(0, 1))]));
        foreach (var options in new[] { new JsonSerializerOptions(), JsonSerializerOptions.Web, TokenizationJsonContext.Default.Options })
        {
            string json = JsonSerializer.Serialize(report, options);

            Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<SemanticIdReport>(json, options), options));
        }
    }

    [Fact]
    public void SemanticId_IsItsText()
    {
        Assert.Equal("\"<a_12><b_7><c_240>\"", JsonSerializer.Serialize(Id, Plain));
        Assert.Equal(Id, JsonSerializer.Deserialize<SemanticId>("\"<a_12><b_7><c_240>\""));
        Assert.Equal(5, JsonSerializer.Deserialize<Dictionary<SemanticId,
            int>>(JsonSerializer.Serialize(new Dictionary<SemanticId, int> { [Id] = 5 }))![Id]);
        Assert.Null(JsonSerializer.Deserialize<SemanticId>("null"));
        foreach (string wrong in new[] { "12", "[12,7]", "\"12\"", "\"<b_1>\"", "{}" })
        {
            Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<SemanticId>(wrong));
        }
    }

    [Theory]
    [InlineData("""{"levelSizes":[1],"items":{"a":"<a_3>"}}""")]
    [InlineData("""{"levelSizes":[1],"items":{"a":7}}""")]
    [InlineData("""{"items":{"a":"<a_3>"}}""")]
    [InlineData("[]")]
    public void Index_ThatIsNone_IsRefused(string json) =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<SemanticIdIndex>(json));

    [Fact]
    public void Index_KeepsItemsAndSizes()
    {
        var index = (SemanticIdIndex)All["index"].Value;

        var back = JsonSerializer.Deserialize<SemanticIdIndex>(JsonSerializer.Serialize(index))!;

        Assert.Equal(index.Fingerprint, back.Fingerprint);
    }

    [Fact]
    public void Request_FromWebJson_HasItsParts()
    {
        var request = JsonSerializer.Deserialize<RecommendationRequest>("""{"history":["a"],"excludedItems":["b","b"]}""", JsonSerializerOptions.Web)!;

        Assert.Equal((10, 1), (request.Count, request.ExcludedItems!.Count));
        Assert.False(request.Allows("b"));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<RecommendationRequest>("""{"count":3}""", JsonSerializerOptions.Web));
    }

    private static EvaluationReport Report()
    {
        var table = new MetricTable(new Dictionary<string, double> { ["HR@1"] = 0.25, ["NDCG@1"] = double.NaN }, new Dictionary<string,
            Interval> { ["HR@1"] = new(0.1, 0.4) });
        return new EvaluationReport
        {
            Name = "m", Examples = 4, Cutoffs = [1], Item = table, Coverage = new Dictionary<int, double> { [1] = 0.5 },
                Slices = [new("head", 1, 2, table)],
            Elapsed = TimeSpan.FromSeconds(3),
        };
    }
}

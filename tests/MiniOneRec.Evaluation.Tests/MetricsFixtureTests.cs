using System.Text.Json;

namespace MiniOneRec.Evaluation.Tests;

public sealed class MetricsFixtureTests
{
    [Fact]
    public async Task Metrics_RecordedRanks_EqualTheReferenceTo1e12()
    {
        using var fixture = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(TestData.Fixture("metrics"), "expected.json")));
        int[] ranks = [.. fixture.RootElement.GetProperty("ranks").EnumerateArray().Select(e => e.GetInt32())];
        var expected = fixture.RootElement.GetProperty("expected").EnumerateObject().ToArray();

        Assert.Equal(18, expected.Length);
        foreach (var entry in expected)
        {
            string[] parts = entry.Name.Split('@');
            var metric = RankingMetrics.Default.Single(m => m.Name == parts[0]);
            Assert.Equal(entry.Value.GetDouble(), RankingMetrics.Mean(metric, ranks, int.Parse(parts[1], null)), 1e-12);
        }
    }

    [Fact]
    public async Task Evaluator_RecommenderWithRecordedRanks_ReportsTheReferenceTo1e12()
    {
        using var fixture = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(TestData.Fixture("metrics"), "expected.json")));
        int[] ranks = [.. fixture.RootElement.GetProperty("ranks").EnumerateArray().Select(e => e.GetInt32())];
        var examples = ranks.Select((_, i) => new NextItemExample($"u{i}", [$"{i}"], "target")).ToArray();
        var recommender = new FixedRecommender(request =>
            Enumerable.Range(0, 60).Select(place => place == ranks[int.Parse(request.History[0], null)] ? "target" : $"x{place}"));
        var evaluator = new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [1, 3, 5, 10, 20, 50], BootstrapSamples = 0 });

        var report = await evaluator.EvaluateAsync(recommender, examples, CancellationToken.None);

        Assert.Equal(ranks.Select(rank => rank < 50 ? rank : -1), report.Ranks.Select(example => example.ItemRank));
        foreach (var entry in fixture.RootElement.GetProperty("expected").EnumerateObject())
        {
            Assert.Equal(entry.Value.GetDouble(), report.Item.Values[entry.Name], 1e-12);
        }
    }

    [Theory]
    [InlineData(0, 1, 1, 1)]
    [InlineData(2, 1, 0.5, 1 / 3.0)]
    [InlineData(9, 1, 0.28906482631788782, 0.1)]
    [InlineData(10, 0, 0, 0)]
    [InlineData(-1, 0, 0, 0)]
    public void Metrics_SingleRank_AreTheTextbookValues(int rank, double hit, double ndcg, double mrr)
    {
        Assert.Equal(hit, new HitRate().Score(rank, 10), 1e-15);
        Assert.Equal(ndcg, new Ndcg().Score(rank, 10), 1e-15);
        Assert.Equal(mrr, new Mrr().Score(rank, 10), 1e-15);
    }
}

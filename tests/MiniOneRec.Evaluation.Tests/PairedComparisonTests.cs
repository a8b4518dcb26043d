namespace MiniOneRec.Evaluation.Tests;

public sealed class PairedComparisonTests
{
    private static readonly NextItemExample[] Examples =
        [.. Enumerable.Range(0, 400).Select(i => new NextItemExample($"u{i}", [$"{i}"], "t"))];

    private static readonly SemanticIdIndex Index = new([new("t", new(0)), new("twin", new(0)), new("x", new(1)), new("y", new(2))]);

    [Fact]
    public async Task Create_SmallButSteadyGain_IsEstablished()
    {
        // The second system hits wherever the first does and for 5 % more: alone, their intervals overlap.
        var first = await Evaluate("first", i => i % 10 < 3);
        var second = await Evaluate("second", i => i % 10 < 3 || i % 20 == 19);

        var comparison = PairedComparison.Create(first, second, new HitRate(), 1);

        Assert.True(second.Item.Intervals["HR@1"].Low < first.Item.Intervals["HR@1"].High);
        Assert.Equal(("HR@1", 0.3, 0.35), (comparison.Metric, comparison.First, comparison.Second));
        Assert.Equal(0.05, comparison.Difference, 1e-12);
        Assert.InRange(comparison.Interval.Low, 0.02, 0.04);
        Assert.InRange(comparison.Interval.High, 0.06, 0.08);
        Assert.True(comparison.IsEstablished);
        Assert.Equal(-0.05, PairedComparison.Create(second, first, new HitRate(), 1).Difference, 1e-12);
    }

    [Fact]
    public async Task Create_SystemWithItself_DiffersByNothing()
    {
        var report = await Evaluate("first", i => i % 3 == 0);

        var comparison = PairedComparison.Create(report, report, new Ndcg(), 2);

        Assert.Equal((0, new Interval(0, 0), false), (comparison.Difference, comparison.Interval, comparison.IsEstablished));
    }

    [Fact]
    public async Task Create_SidLevel_ComparesSidRanks()
    {
        var first = await Evaluate("first", _ => false, "x");
        var second = await Evaluate("second", _ => false, "twin");

        Assert.Equal(0, PairedComparison.Create(first, second, new HitRate(), 1).Difference);
        Assert.Equal(1, PairedComparison.Create(first, second, new HitRate(), 1, sidLevel: true).Difference);
    }

    [Fact]
    public async Task Create_ReportsThatDoNotFit_AreRefusedByName()
    {
        var first = await Evaluate("first", _ => true);
        var shorter = first with { Name = "shorter", Ranks = [.. first.Ranks.Skip(1)] };

        Assert.Contains("'first' and 'shorter' are not on the same examples",
            Message(() => PairedComparison.Create(first, shorter, new HitRate(), 1)), StringComparison.Ordinal);
        Assert.Contains("'bare' kept no ranks", Message(() =>
            PairedComparison.Create(first with { Name = "bare", Ranks = [] }, first, new HitRate(), 1)), StringComparison.Ordinal);
        Assert.Contains("Cutoff 5 is outside 1 to 2", Message(() => PairedComparison.Create(first, first, new HitRate(), 5)),
            StringComparison.Ordinal);
        Assert.Contains("missing in 'first'", Message(() =>
            PairedComparison.Create(first with { Sid = null }, first, new HitRate(), 1, sidLevel: true)), StringComparison.Ordinal);

        static string Message(Action act) => Assert.Throws<ArgumentException>(act).Message;
    }

    private static Task<EvaluationReport> Evaluate(string name, Func<int, bool> hits, string otherwise = "x") =>
        new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [1, 2], BootstrapSamples = 500 }).EvaluateAsync(
            new FixedRecommender(request => [hits(int.Parse(request.History[0], null)) ? "t" : otherwise, "y"], name), Examples,
            new EvaluationCatalog(Index));
}

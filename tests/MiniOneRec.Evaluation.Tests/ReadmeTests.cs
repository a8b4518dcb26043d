namespace MiniOneRec.Evaluation.Tests;

public sealed class ReadmeTests
{
    [Fact]
    public async Task Example_Runs()
    {
        var lines = new List<string>();
        var Console = new { WriteLine = (Action<string>)lines.Add };
        var index = new SemanticIdIndex([new("a", new(0)), new("b", new(1)), new("c", new(1))]);
        UserSequence[] trainSequences = [new("u", ["a", "b"])];
        NextItemExample[] test = [new("u", ["a"], "c")];
        var recommender = new FixedRecommender(_ => ["b", "c"]);
        var baseline = new FixedRecommender(_ => ["a"]);

        #region README
        var evaluator = new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [1, 10] });
        var catalog = new EvaluationCatalog(index, trainSequences);                     // both for SID level, coverage and slices
        var report = await evaluator.EvaluateAsync(recommender, test, catalog);
        var other = await evaluator.EvaluateAsync(baseline, test, catalog);

        Console.WriteLine($"NDCG@10 {report["NDCG", 10]:F4}, at SID level {report.Sid!["NDCG", 10]:F4}");
        Console.WriteLine(report.ToMarkdown());
        var gain = PairedComparison.Create(other, report, new Ndcg(), cutoff: 10);      // on the same users
        Console.WriteLine($"{gain.Difference:+0.0000;-0.0000} [{gain.Interval.Low:F4}, {gain.Interval.High:F4}]");
        #endregion

        Assert.Equal("NDCG@10 0.6309, at SID level 1.0000", lines[0]);
        Assert.Equal("+0.6309 [0.6309, 0.6309]", lines[2]);
    }

    [Fact]
    public void Example_StandsInTheReadme() => Snippets.AssertReadme("MiniOneRec.Evaluation",
        "tests/MiniOneRec.Evaluation.Tests/ReadmeTests.cs");
}

using Microsoft.Extensions.Options;

namespace MiniOneRec.Evaluation.Tests;

public sealed class RecommendationEvaluatorTests
{
    private static readonly string[] Items = ["a", "b", "c", "d", "e", "f"];

    // b and c share a semantic ID.
    private static readonly SemanticIdIndex Index = new(
    [
        new("a", new(0, 0)), new("b", new(0, 1)), new("c", new(0, 1)), new("d", new(1, 0)), new("e", new(1, 1)), new("f", new(1, 2)),
    ]);

    private static readonly NextItemExample[] Examples =
        [new("u1", ["a"], "c"), new("u2", ["b"], "d"), new("u3", ["e"], "zzz"), new("u4", [], "a")];

    [Fact]
    public async Task Evaluate_PerfectRanking_ScoresOneEverywhere()
    {
        var examples = Examples.Where(example => example.Target != "zzz").ToArray();
        var recommender = new FixedRecommender(request =>
            [examples.Single(example => example.History.SequenceEqual(request.History)).Target, "e", "f"]);

        var report = await new RecommendationEvaluator().EvaluateAsync(recommender, examples, new EvaluationCatalog(Index));

        Assert.All(report.Item.Values, pair => Assert.Equal(1, pair.Value));
        Assert.All(report.Sid!.Values, pair => Assert.Equal(1, pair.Value));
        Assert.All(report.Item.Intervals, pair => Assert.Equal(new Interval(1, 1), pair.Value));
        Assert.Equal(1, report["NDCG", 10]);
    }

    [Fact]
    public async Task Evaluate_SharedSid_DiffersOnlyThere()
    {
        var recommender = new FixedRecommender(_ => ["a", "b", "c", "d", "e"]);
        var options = new EvaluationOptions { Cutoffs = [1, 2, 3], BootstrapSamples = 0 };

        var report = await new RecommendationEvaluator(options).EvaluateAsync(recommender, Examples, new EvaluationCatalog(Index));

        // Items: a b c; distinct SIDs: a, b and c together, d.
        Assert.Equal([2, -1, -1, 0], report.Ranks.Select(example => example.ItemRank));
        Assert.Equal([1, 2, -1, 0], report.Ranks.Select(example => example.SidRank));
        Assert.Equal(0.25, report["HR", 1]);
        Assert.Equal(0.25, report["HR", 2]);
        Assert.Equal(0.5, report["HR", 3]);
        Assert.Equal(0.5, report.Sid!["HR", 2]);
        Assert.Equal(0.75, report.Sid["HR", 3]);
        Assert.Equal(1, report.AmbiguousTargets);
        Assert.Equal(8, report.AmbiguousPredictions);
        Assert.Equal(4, recommender.Count);      // one extra item, because one SID is shared
    }

    [Fact]
    public async Task Evaluate_ItemsOutsideTheCatalogue_AreCountedAndKeepTheirPlace()
    {
        var recommender = new FixedRecommender(_ => ["nowhere", "a"]);
        var options = new EvaluationOptions { Cutoffs = [1, 2], BootstrapSamples = 0 };

        var report = await new RecommendationEvaluator(options).EvaluateAsync(recommender, Examples, new EvaluationCatalog(Index));

        Assert.Equal(4, report.InvalidPredictions);
        Assert.Equal(0, report["HR", 1]);
        Assert.Equal(0.25, report["HR", 2]);
        Assert.Equal(0.25, report.Sid!["HR", 2]);
        Assert.Equal(1, report.Ranks[3].SidRank);
        Assert.Equal(0, report.Coverage[1]);
        Assert.Equal(1 / 6.0, report.Coverage[2], 1e-12);
        Assert.Equal(4, report.Shortfall);       // three were asked for
    }

    [Fact]
    public async Task Evaluate_WithoutCatalogue_HasItemLevelOnly()
    {
        var report = await new RecommendationEvaluator().EvaluateAsync(new FixedRecommender(_ => ["a"]), Examples);

        Assert.Null(report.Sid);
        Assert.Empty(report.Coverage);
        Assert.Empty(report.Slices);
        Assert.Equal(0.25, report["HR", 1]);
        Assert.Contains("HR@1, HR@3", Assert.Throws<KeyNotFoundException>(() => report["HR", 7]).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evaluate_TopAndColdTargets_HaveFiguresOfTheirOwn()
    {
        // "b" is the target of two rows; "d" is in the catalogue, and no training row holds it.
        NextItemExample[] examples = [new("1", [], "b"), new("2", [], "a"), new("3", [], "b"), new("4", [], "d"), new("5", [], "outside")];
        var catalog = new EvaluationCatalog(["a", "b", "c", "d"], null, [new UserSequence("t", ["a", "b", "c"])]);

        var report = await new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [2], BootstrapSamples = 0 })
            .EvaluateAsync(new FixedRecommender(_ => ["b", "d"], "fixed"), examples, catalog);

        Assert.Equal(0.6, report["HR", 2], 1e-12);
        Assert.Equal(("b", 2, 3),
            (report.WithoutTopTarget!.Target, report.WithoutTopTarget.TargetExamples, report.WithoutTopTarget.Examples));
        Assert.Equal(1 / 3.0, report.WithoutTopTarget.Item["HR", 2], 1e-12);
        Assert.Equal((1, 2, 0.5), (report.Cold!.Items, report.Cold.Examples, report.Cold.Item["HR", 2]));
    }

    [Fact]
    public async Task Evaluate_OneTargetAndNoTraining_HasNeither()
    {
        var report = await new RecommendationEvaluator()
            .EvaluateAsync(new FixedRecommender(_ => ["b"], "fixed"), [new("1", [], "b"), new("2", [], "b")]);

        Assert.Null(report.WithoutTopTarget);
        Assert.Null(report.Cold);
    }

    [Fact]
    public async Task Evaluate_PopularitySlices_SplitExamplesByTheTarget()
    {
        UserSequence[] train =
        [
            new("u", ["a", "a", "a", "a", "b", "b", "c", "d"]),       // a holds half, then b, then c, d; e and f unseen
            new("v", ["unknown"]),
        ];
        var catalog = new EvaluationCatalog(Items, trainSequences: train);
        NextItemExample[] examples = [new("1", [], "a"), new("2", [], "b"), new("3", [], "c"), new("4", [], "f"), new("5", [], "a")];

        var report = await new RecommendationEvaluator().EvaluateAsync(new FixedRecommender(_ => ["a", "c"]), examples, catalog);

        Assert.Equal([1, 1, 4], report.Slices.Select(slice => slice.Items));
        Assert.Equal([2, 1, 2], report.Slices.Select(slice => slice.Examples));
        Assert.Equal([1, 0, 0.5], report.Slices.Select(slice => slice.Item["HR", 3]));
        Assert.Equal(report["HR", 3], report.Slices.Sum(slice => slice.Examples * slice.Item["HR", 3]) / 5, 1e-12);
    }

    [Fact]
    public async Task Evaluate_Batches_AskForAllAndReportProgress()
    {
        var recommender = new FixedRecommender(_ => ["a"]);
        var steps = new List<TrainingProgress>();

        await new RecommendationEvaluator(new EvaluationOptions { BatchSize = 3 })
            .EvaluateAsync(recommender, Examples, progress: new InlineProgress(steps.Add));

        Assert.Equal([3, 1], recommender.BatchSizes);
        Assert.Equal([3L, 4L], steps.Select(step => step.Step));
        Assert.Equal(1, steps[^1].Fraction);
    }

    [Fact]
    public async Task Evaluate_MaxExamples_DrawsTheSameOnesForASeed()
    {
        var examples = Enumerable.Range(0, 100).Select(i => new NextItemExample($"{i}", [], "a")).ToArray();
        var evaluator = new RecommendationEvaluator(new EvaluationOptions { MaxExamples = 10, BootstrapSamples = 0 });

        var first = await evaluator.EvaluateAsync(new FixedRecommender(_ => ["a"]), examples);
        var second = await evaluator.EvaluateAsync(new FixedRecommender(_ => ["a"]), examples);

        Assert.Equal(10, first.Examples);
        Assert.Equal(first.Ranks, second.Ranks);
        Assert.NotEqual(examples.Take(10).Select(example => example.UserId), first.Ranks.Select(example => example.UserId));
    }

    [Fact]
    public async Task Evaluate_Cancelled_StopsBeforeTheNextBatch()
    {
        using var source = new CancellationTokenSource();
        var recommender = new FixedRecommender(_ => ["a"]);

        await Assert.ThrowsAsync<OperationCanceledException>(() => new RecommendationEvaluator(new EvaluationOptions { BatchSize = 1 })
            .EvaluateAsync(recommender, Examples, progress: new InlineProgress(_ => source.Cancel()), cancellationToken: source.Token));

        Assert.Equal([1], recommender.BatchSizes);
    }

    [Fact]
    public async Task Evaluate_NoExamples_IsRefused()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            new RecommendationEvaluator().EvaluateAsync(new FixedRecommender(_ => []), []));

        Assert.Contains("no examples", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_BadOptions_NamesEveryBrokenRule()
    {
        var options = new EvaluationOptions { Cutoffs = [0, 5, 5], BatchSize = 0, BootstrapSamples = -1, MaxExamples = 0, Confidence = 2 };

        var error = Assert.Throws<OptionsValidationException>(() => new RecommendationEvaluator(options));

        Assert.Contains("Cutoffs [0, 5, 5] must each be at least 1", error.Message, StringComparison.Ordinal);
        Assert.Contains("must be distinct", error.Message, StringComparison.Ordinal);
        Assert.All(["BatchSize", "BootstrapSamples", "MaxExamples", "Confidence"],
            name => Assert.Contains(name, error.Message, StringComparison.Ordinal));
        Assert.Contains("at least one cutoff", Assert.Throws<OptionsValidationException>(
            () => new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [] })).Message, StringComparison.Ordinal);
        Assert.Throws<OptionsValidationException>(() => new RecommendationEvaluator(new EvaluationOptions { Cutoffs = null! }));
    }

    [Fact]
    public void Constructor_NoMetricsOrTwins_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new RecommendationEvaluator([]));
        Assert.Contains("[HR, HR]", Assert.Throws<ArgumentException>(
            () => new RecommendationEvaluator([new HitRate(), new HitRate()])).Message, StringComparison.Ordinal);
    }

    private sealed class InlineProgress(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}

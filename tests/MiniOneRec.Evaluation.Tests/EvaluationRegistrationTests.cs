using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Evaluation.Tests;

public sealed class EvaluationRegistrationTests
{
    [Fact]
    public async Task AddEvaluation_WithAMetric_EvaluatesAllOfThem()
    {
        using var app = new ServiceCollection().AddMiniOneRec()
            .AddEvaluation(options => options.Cutoffs = [2])
            .AddEvaluation(options => options.BootstrapSamples = 0)      // twice is once
            .AddMetric<FirstPlace>()
            .Services.BuildServiceProvider();

        var report = await app.GetRequiredService<RecommendationEvaluator>()
            .EvaluateAsync(new FixedRecommender(_ => ["a", "b"]), [new("1", [], "b"), new("2", [], "a")], CancellationToken.None);

        Assert.Equal(["HR@2", "NDCG@2", "MRR@2", "First@2"], report.Item.Values.Keys);
        Assert.Equal(0.5, report["First", 2]);
        Assert.Empty(report.Item.Intervals);
    }

    [Fact]
    public void AddEvaluation_BadOptions_FailAsTheConstructorDoes()
    {
        using var app = new ServiceCollection().AddMiniOneRec()
            .AddEvaluation(options => (options.Cutoffs, options.BatchSize) = ([0], 0)).Services.BuildServiceProvider();

        var error = Assert.Throws<OptionsValidationException>(app.GetRequiredService<RecommendationEvaluator>);
        var direct = Assert.Throws<OptionsValidationException>(() =>
            new RecommendationEvaluator(new EvaluationOptions { Cutoffs = [0], BatchSize = 0 }));

        Assert.Equal(direct.Failures.Order(), error.Failures.Order());
        Assert.Equal(2, direct.Failures.Count());
    }

    private sealed class FirstPlace : IRankingMetric
    {
        public string Name => "First";

        public double Score(int rank, int cutoff) => rank == 0 ? 1 : 0;
    }
}

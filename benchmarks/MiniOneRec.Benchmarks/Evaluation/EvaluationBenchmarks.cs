using BenchmarkDotNet.Attributes;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;

namespace MiniOneRec.Benchmarks;

/// <summary>Measuring a recommender on the demo catalogue's test rows, beside its answers alone.</summary>
public class EvaluationBenchmarks
{
    private readonly RecommendationEvaluator _evaluator = new();
    private SplitDataset _data = null!;
    private PopularityRecommender _recommender = null!;
    private RecommendationRequest[] _requests = [];

    [GlobalSetup]
    public void SetUp()
    {
        _data = new LeaveOneOutSplit().Split(DemoCatalogue.Create());
        _recommender = new PopularityRecommender(_data.TrainSequences, _data.ItemIds);
        _requests = [.. _data.Test.Select(example => new RecommendationRequest { History = example.History, Count = 50 })];
    }

    [Benchmark(Baseline = true)]
    public async Task<int> AnswersAlone() => (await _recommender.RecommendAsync(_requests)).Count;

    [Benchmark]
    public Task<EvaluationReport> Evaluate() => _evaluator.EvaluateAsync(_recommender, _data.Test);
}

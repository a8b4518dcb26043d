using BenchmarkDotNet.Attributes;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;

namespace MiniOneRec.Benchmarks;

/// <summary>Answering 256 users of the demo catalogue, and learning from all of them.</summary>
public class BaselineBenchmarks
{
    private SplitDataset _data = null!;
    private RecommendationRequest[] _requests = [];
    private SequentialRulesRecommender _rules = null!;
    private ItemKnnRecommender _knn = null!;
    private SasRecRecommender _sasRec = null!;

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        _data = new LeaveOneOutSplit().Split(DemoCatalogue.Create());
        _requests = [.. _data.Test.Take(256).Select(example => new RecommendationRequest { History = example.History })];
        _rules = new SequentialRulesRecommender(_data.TrainSequences, _data.ItemIds);
        _knn = new ItemKnnRecommender(_data.TrainSequences, _data.ItemIds);
        _sasRec = await TrainAsync();
    }

    [GlobalCleanup]
    public void CleanUp() => _sasRec.Dispose();

    [Benchmark(Baseline = true)]
    public Task<IReadOnlyList<RecommendationResult>> AskRules() => _rules.RecommendAsync(_requests);

    [Benchmark]
    public Task<IReadOnlyList<RecommendationResult>> AskItemKnn() => _knn.RecommendAsync(_requests);

    [Benchmark]
    public Task<IReadOnlyList<RecommendationResult>> AskSasRec() => _sasRec.RecommendAsync(_requests);

    [Benchmark]
    public SequentialRulesRecommender LearnRules() => new(_data.TrainSequences, _data.ItemIds);

    [Benchmark]
    public ItemKnnRecommender LearnItemKnn() => new(_data.TrainSequences, _data.ItemIds);

    [Benchmark]
    public async Task LearnSasRecOneEpoch()
    {
        using var recommender = await TrainAsync();
    }

    private Task<SasRecRecommender> TrainAsync() =>
        new SasRecTrainer(new SasRecOptions { MaxLength = 10, MaxEpochs = 1 }).TrainAsync(_data.TrainSequences, [], _data.ItemIds);
}

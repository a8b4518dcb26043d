using BenchmarkDotNet.Attributes;
using MiniOneRec.Modeling;

namespace MiniOneRec.Benchmarks;

/// <summary>Answering users who ask at the same time, through the queue, beside one batch on the calling thread.</summary>
public class RecommenderBenchmarks
{
    private GenerativeRecommender _recommender = null!;
    private RecommendationRequest[] _requests = [];

    /// <summary>Gets or sets how many users ask.</summary>
    [Params(1, 32)]
    public int Users { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var index = Catalogues.Index(4_000);
        var template = CompactTemplate.For(index);
        var random = new Random(7);
        _recommender = new GenerativeRecommender(
            new DecoderModel(DecoderConfig.Small(template.VocabularySize, 128, 2, 4)), index, template);
        _requests = [.. Enumerable.Range(0, Users).Select(_ => new RecommendationRequest
        {
            History = [.. Enumerable.Range(0, 10).Select(_ => index.Items[random.Next(index.Count)])],
        })];
    }

    [GlobalCleanup]
    public void CleanUp() => _recommender.Dispose();

    [Benchmark(Baseline = true)]
    public int OneBatch() => _recommender.Recommend(_requests).Count;

    [Benchmark]
    public async Task<int> Queue() =>
        (await Task.WhenAll(_requests.Select(request => _recommender.RecommendAsync(request)))).Length;

    [Benchmark]
    public int OneByOne() => _requests.Sum(request => _recommender.Recommend([request]).Count);
}

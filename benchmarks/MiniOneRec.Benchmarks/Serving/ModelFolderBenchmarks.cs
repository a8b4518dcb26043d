using BenchmarkDotNet.Attributes;
using MiniOneRec.Modeling;

namespace MiniOneRec.Benchmarks;

/// <summary>Loading a model folder and answering one request, beside the same with the layers rounded on load or before.</summary>
public class ModelFolderBenchmarks
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-benchmark-").FullName;
    private RecommendationRequest _request = null!;

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        var index = Catalogues.Index(4_000);
        var template = CompactTemplate.For(index);
        using var recommender = new GenerativeRecommender(
            new DecoderModel(DecoderConfig.Small(template.VocabularySize, 512, 6, 8)), index, template);
        await recommender.SaveAsync(Path.Combine(_folder, "whole"));
        await recommender.SaveAsync(Path.Combine(_folder, "int8"), new RecommenderSaveOptions { Weights = ServingWeights.Int8 });
        await recommender.SaveAsync(Path.Combine(_folder, "int4"), new RecommenderSaveOptions { Weights = ServingWeights.Int4 });
        _request = new RecommendationRequest { History = ["i1", "i2", "i3"] };
    }

    [GlobalCleanup]
    public void CleanUp() => Directory.Delete(_folder, recursive: true);

    [Benchmark(Baseline = true)]
    public Task<int> Whole() => LoadAsync("whole", ServingWeights.AsStored);

    [Benchmark]
    public Task<int> WholeToEightBits() => LoadAsync("whole", ServingWeights.Int8);

    [Benchmark]
    public Task<int> EightBits() => LoadAsync("int8", ServingWeights.AsStored);

    [Benchmark]
    public Task<int> FourBits() => LoadAsync("int4", ServingWeights.AsStored);

    private async Task<int> LoadAsync(string name, ServingWeights weights)
    {
        var options = new RecommenderLoadOptions { Configure = saved => saved.Weights = weights };
        using var recommender = await GenerativeRecommender.LoadAsync(Path.Combine(_folder, name), options);
        return (await recommender.RecommendAsync(_request)).Items.Count;
    }
}

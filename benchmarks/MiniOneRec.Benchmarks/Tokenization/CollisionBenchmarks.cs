using BenchmarkDotNet.Attributes;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Benchmarks;

/// <summary>Telling apart items whose codes are equal, by policy, beside finding them.</summary>
public class CollisionBenchmarks
{
    private const int Width = 32;

    private RqKMeansQuantizer _quantizer = null!;
    private EmbeddingTable _embeddings = null!;
    private CodeTable _codes = null!;

    /// <summary>Gets or sets the number of items.</summary>
    [Params(1_000, 10_000)]
    public int Items { get; set; }

    /// <summary>Gets or sets the policy.</summary>
    [Params(CollisionPolicy.NearestFreeSibling, CollisionPolicy.ExtraLevel)]
    public CollisionPolicy Policy { get; set; }

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        var random = new Random(42);
        _embeddings = new EmbeddingTable(Items, Width, [.. Enumerable.Range(0, Items * Width).Select(_ => random.NextSingle() - 0.5f)]);
        _quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [32, 32, 64], MaxIterations = 10, Restarts = 1 });
        await _quantizer.FitAsync(_embeddings);
        _codes = _quantizer.Encode(_embeddings);
    }

    [GlobalCleanup]
    public void CleanUp() => _quantizer.Dispose();

    [Benchmark(Baseline = true)]
    public int Distinct()
    {
        var seen = new HashSet<SemanticId>();
        for (int item = 0; item < _codes.Count; item++)
        {
            seen.Add(new SemanticId(_codes[item]));
        }

        return seen.Count;
    }

    [Benchmark]
    public CollisionResolution Resolve() =>
        new CollisionResolver(new CollisionOptions { Policy = Policy }).Resolve(_quantizer, _embeddings, _codes);
}

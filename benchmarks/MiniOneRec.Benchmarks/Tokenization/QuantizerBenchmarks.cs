using BenchmarkDotNet.Attributes;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Benchmarks;

/// <summary>Vectors of a sentence encoder to codes, by a quantizer of the reference size.</summary>
public class QuantizerBenchmarks
{
    private const int Width = 384;

    private RqVaeQuantizer _quantizer = null!;
    private EmbeddingTable _embeddings = null!;
    private CodeTable _codes = null!;

    /// <summary>Gets or sets the number of items.</summary>
    [Params(256, 8_192)]
    public int Items { get; set; }

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        var random = new Random(42);
        EmbeddingTable Draw(int count) =>
            new(count, Width, [.. Enumerable.Range(0, count * Width).Select(_ => random.NextSingle() - 0.5f)]);
        _quantizer = new RqVaeQuantizer(
            new RqVaeOptions { Training = new QuantizerTrainingOptions { Epochs = 2, WarmupEpochs = 0, BatchSize = 512 } });
        await _quantizer.FitAsync(Draw(1_024));
        _embeddings = Draw(Items);
        _codes = _quantizer.Encode(_embeddings);
    }

    [GlobalCleanup]
    public void CleanUp() => _quantizer.Dispose();

    [Benchmark]
    public CodeTable Encode() => _quantizer.Encode(_embeddings);

    [Benchmark]
    public EmbeddingTable Decode() => _quantizer.Decode(_codes);
}

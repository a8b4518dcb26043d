using BenchmarkDotNet.Attributes;
using MiniOneRec.Tokenization;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Benchmarks;

/// <summary>Vectors of a sentence encoder to codes and back by a quantizer of the reference size, beside its first product.</summary>
public class QuantizerBenchmarks
{
    private const int Width = 384, FirstLayer = 512;

    private RqVaeQuantizer _quantizer = null!;
    private EmbeddingTable _embeddings = null!;
    private CodeTable _codes = null!;
    private Tensor _x = null!;
    private Tensor _weight = null!;

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
        (_x, _weight) = (randn(Items, Width), randn(FirstLayer, Width));
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _quantizer.Dispose();
        _x.Dispose();
        _weight.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void FirstProduct()
    {
        using var noGrad = no_grad();
        using var y = F.linear(_x, _weight);                                                // [I, 512]
    }

    [Benchmark]
    public CodeTable Encode() => _quantizer.Encode(_embeddings);

    [Benchmark]
    public EmbeddingTable Decode() => _quantizer.Decode(_codes);
}

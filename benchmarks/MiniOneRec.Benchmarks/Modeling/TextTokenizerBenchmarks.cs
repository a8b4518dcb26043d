using BenchmarkDotNet.Attributes;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;

namespace MiniOneRec.Benchmarks;

/// <summary>Text to tokens and back; <c>MINIONEREC_TOKENIZER</c> names a <c>tokenizer.json</c>.</summary>
public class TextTokenizerBenchmarks
{
    private TextTokenizer _tokenizer = null!;
    private string _text = "";
    private int[] _tokens = [];

    [GlobalSetup]
    public async Task SetUpAsync()
    {
        string path = Environment.GetEnvironmentVariable("MINIONEREC_TOKENIZER")
            ?? throw new InvalidOperationException("Set MINIONEREC_TOKENIZER to a tokenizer.json to run this benchmark.");
        _tokenizer = await TextTokenizer.LoadAsync(path);
        _text = string.Concat(Enumerable.Range(0, 64)
            .Select(i => $"Stainless steel washer assortment kit no. {i}, 1/2 inch, with a box.\n"));
        _tokens = _tokenizer.Encode(_text);
    }

    [Benchmark]
    public int Encode() => _tokenizer.Encode(_text).Length;

    [Benchmark]
    public int Decode() => _tokenizer.Decode(_tokens).Length;
}

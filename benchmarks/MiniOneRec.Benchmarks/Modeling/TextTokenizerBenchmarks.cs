using System.Text.RegularExpressions;
using BenchmarkDotNet.Attributes;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;

namespace MiniOneRec.Benchmarks;

/// <summary>Text to tokens and back, beside cutting it into words; <c>MINIONEREC_TOKENIZER</c> names a <c>tokenizer.json</c>.</summary>
public partial class TextTokenizerBenchmarks
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

    [Benchmark(Baseline = true)]
    public int Words() => Word().Count(_text);

    [Benchmark]
    public int Encode() => _tokenizer.Encode(_text).Length;

    [Benchmark]
    public int Decode() => _tokenizer.Decode(_tokens).Length;

    // The words of GPT-2, which most tokenizers of decoders begin with.
    [GeneratedRegex(@"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")]
    private static partial Regex Word();
}

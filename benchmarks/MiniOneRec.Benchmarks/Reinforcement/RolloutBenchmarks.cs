using BenchmarkDotNet.Attributes;
using MiniOneRec.Modeling;

namespace MiniOneRec.Benchmarks;

/// <summary>Sixteen items drawn for each of 16 prompts, beside a copy of the prompt for every draw.</summary>
public class RolloutBenchmarks
{
    private const int Group = 16;

    private SemanticIdTrie _trie = null!;
    private CompactTemplate _template = null!;
    private DecoderModel _model = null!;
    private int[][] _prompts = [];
    private int[][] _copies = [];

    [GlobalSetup]
    public void SetUp()
    {
        var index = Catalogues.Index(4_000);
        _trie = new SemanticIdTrie(index);
        _template = CompactTemplate.For(index);
        _model = new DecoderModel(DecoderConfig.Small(_template.VocabularySize, 128, 2, 4));
        _model.eval();
        _prompts = Catalogues.Prompts(index, _template, 16, 10);
        _copies = [.. _prompts.SelectMany(prompt => Enumerable.Repeat(prompt, Group))];
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _model.Dispose();
        _trie.Dispose();
    }

    [Benchmark(Baseline = true)]
    public int CopiesOfThePrompt() => Sample(_copies, 1);

    [Benchmark]
    public int SharedPrompt() => Sample(_prompts, Group);

    private int Sample(int[][] prompts, int count) =>
        new ConstrainedSampler(new SamplingOptions { Count = count }).Sample(_model, prompts, _trie, _template, new Random(3)).Count;
}

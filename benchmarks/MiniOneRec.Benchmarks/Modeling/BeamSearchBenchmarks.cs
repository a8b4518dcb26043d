using BenchmarkDotNet.Attributes;
using MiniOneRec.Modeling;
using TorchSharp;

namespace MiniOneRec.Benchmarks;

/// <summary>Constrained beam search on a small decoder, beside the prefill that no search can avoid.</summary>
public class BeamSearchBenchmarks
{
    private SemanticIdTrie _trie = null!;
    private CompactTemplate _template = null!;
    private DecoderModel _model = null!;
    private ConstrainedBeamSearch _search = null!;
    private int[][] _prompts = [];
    private BeamQuery[] _queries = [];

    /// <summary>Gets or sets how many users are answered at once.</summary>
    [Params(1, 32)]
    public int Users { get; set; }

    /// <summary>Gets or sets the width of the beam.</summary>
    [Params(10, 50)]
    public int Width { get; set; }

    /// <summary>Gets or sets what scores count.</summary>
    [Params(BeamScoring.Exact, BeamScoring.TrieRenormalised)]
    public BeamScoring Scoring { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var index = Catalogues.Index(4_000);
        _trie = new SemanticIdTrie(index);
        _template = CompactTemplate.For(index);
        _model = new DecoderModel(DecoderConfig.Small(_template.VocabularySize, 128, 2, 4));
        _model.eval();
        _search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = Width, Scoring = Scoring });
        _prompts = Catalogues.Prompts(index, _template, Users, 10);
        _queries = [.. _prompts.Select(prompt => new BeamQuery(prompt))];
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _model.Dispose();
        _trie.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void Prefill()
    {
        using var noGrad = torch.no_grad();
        using var scope = torch.NewDisposeScope();
        using var batch = TokenBatch.Of(_prompts);
        _model.Logits(_model.Forward(batch));
    }

    [Benchmark]
    public int Search() => _search.Search(_model, _queries, _trie, _template).Count;
}

using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using MiniOneRec.Modeling;

namespace MiniOneRec.Benchmarks;

/// <summary>Building the catalogue's tree and walking it, beside dictionaries of prefixes.</summary>
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class TrieBenchmarks
{
    private const int Walks = 1024;

    private int[] _codes = [];
    private SemanticIdTrie _trie = null!;
    private Dictionary<(int, int, int), HashSet<int>> _prefixes = [];

    /// <summary>Gets or sets the size of the catalogue.</summary>
    [Params(10_000, 1_000_000)]
    public int Items { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _codes = Catalogues.Codes(Items);
        _trie = SemanticIdTrie.FromCodes(_codes, 3);
        _prefixes = Prefixes();
    }

    [GlobalCleanup]
    public void CleanUp() => _trie.Dispose();

    [Benchmark]
    [BenchmarkCategory("build")]
    public int BuildArrays()
    {
        using var trie = SemanticIdTrie.FromCodes(_codes, 3);
        return trie.NodeCount;
    }

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("build")]
    public int BuildDictionaries() => Prefixes().Count;

    [Benchmark]
    [BenchmarkCategory("walk")]
    public int WalkArrays()
    {
        int sum = 0;
        for (int item = 0; item < Walks; item++)
        {
            int node = _trie.Child(_trie.Child(SemanticIdTrie.Root, _codes[3 * item]), _codes[3 * item + 1]);
            var (start, end) = _trie.Children(node);
            for (int child = start; child < end; child++)
            {
                sum += _trie.Code(child);
            }
        }

        return sum;
    }

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("walk")]
    public int WalkDictionaries()
    {
        int sum = 0;
        for (int item = 0; item < Walks; item++)
        {
            foreach (int code in _prefixes[(2, _codes[3 * item], _codes[3 * item + 1])])
            {
                sum += code;
            }
        }

        return sum;
    }

    private Dictionary<(int, int, int), HashSet<int>> Prefixes()
    {
        var prefixes = new Dictionary<(int Depth, int First, int Second), HashSet<int>>();
        void Add((int, int, int) prefix, int code)
        {
            if (!prefixes.TryGetValue(prefix, out var next))
            {
                prefixes.Add(prefix, next = []);
            }

            next.Add(code);
        }

        for (int at = 0; at < _codes.Length; at += 3)
        {
            Add((0, 0, 0), _codes[at]);
            Add((1, _codes[at], 0), _codes[at + 1]);
            Add((2, _codes[at], _codes[at + 1]), _codes[at + 2]);
        }

        return prefixes;
    }
}

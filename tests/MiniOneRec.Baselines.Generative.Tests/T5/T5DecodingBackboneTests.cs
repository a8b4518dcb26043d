using MiniOneRec.Modeling;
using MiniOneRec.Modeling.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative.Tests.T5;

/// <summary>A T5 behind the search: the same as a plain loop that runs encoder and decoder over every whole prefix.</summary>
public sealed class T5DecodingBackboneTests
{
    [Theory]
    [Trait("Category", "Parity")]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Extend_LabelsOneByOne_EqualsTheReferenceLogits(bool batched)
    {
        using var model = await T5Folder.LoadAsync(TestData.Fixture("t5"));
        model.eval();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var expected = Fixtures.Tensors("t5", "expected.safetensors");
        var backbone = new T5DecodingBackbone(model);
        int rows = (int)expected["labels"].size(0), steps = (int)expected["labels"].size(1);
        int[][] prompts =
            [.. Enumerable.Range(0, rows).Select(b => Ints(expected["input_ids"][b].masked_select(expected["attention_mask"][b].ne(0))))];
        int[][] labels = [.. Enumerable.Range(0, rows).Select(b => Ints(expected["labels"][b]))];

        foreach (int[] together in batched ? [[.. Enumerable.Range(0, rows)]] : Enumerable.Range(0, rows).Select(b => new[] { b }))
        {
            using var cache = backbone.NewCache();
            var hidden = backbone.Prefill([.. together.Select(b => prompts[b])], cache);
            for (int t = 0; t < steps; t++)
            {
                for (int i = 0; i < together.Length; i++)
                {
                    bool counts = t == 0 || labels[together[i]][..t].All(token => token >= 0);
                    if (counts)
                    {
                        Fixtures.Close(expected["logits"][together[i], t], model.Logits(hidden[i]), 1e-4, $"row {together[i]}, step {t}");
                    }
                }

                int step = t;
                hidden = backbone.Extend(cache, new DecodingStep
                {
                    Tokens = [.. together.Select(b => Math.Max(0, labels[b][step]))],
                    Prompts = [.. together.Select((_, i) => i)],
                    Ancestors =
                    [.. together.Select((_, i) => Enumerable.Range(0, step + 1).Select(s => s * together.Length + i).ToArray())],
                });
            }
        }
    }

    [Theory]
    [InlineData(BeamScoring.Exact, 1)]
    [InlineData(BeamScoring.SidOnly, 2)]
    [InlineData(BeamScoring.TrieRenormalised, 3)]
    public void Search_AnyWidth_EqualsAPlainLoopOfFullForwards(BeamScoring scoring, int seed)
    {
        using var toy = new Toy(seed);
        int[][] prompts = [[5, 6, 7, 8, 9, 10], [3], [9, 9, 4]];
        foreach (int width in new[] { 1, 3, 8, 60 })
        {
            var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = width, Scoring = scoring });

            var beams = search.Search(toy.Backbone, [.. prompts.Select(prompt => new BeamQuery(prompt))], toy.Trie, toy.Template);

            for (int b = 0; b < prompts.Length; b++)
            {
                var expected = toy.PlainSearch(prompts[b], width, scoring);
                Assert.Equal(expected.Select(beam => beam.Node), beams[b].Select(beam => beam.Node));
                Assert.All(expected.Zip(beams[b]), pair => Assert.Equal(pair.First.LogProbability, pair.Second.LogProbability, 1e-5));
            }
        }
    }

    [Fact]
    public void Search_MixedDepthsAndMask_EqualsAPlainLoopOfFullForwards()
    {
        using var toy = new Toy(7, mixed: true);
        int[] prompt = [4, 5, 6];
        var mask = TrieMask.Where(toy.Trie, row => row % 4 != 0);
        foreach (var scoring in Enum.GetValues<BeamScoring>())
        {
            var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = 100, Scoring = scoring });

            var beams = search.Search(toy.Backbone, [new BeamQuery(prompt), new BeamQuery(prompt) { Mask = mask }], toy.Trie, toy.Template);

            var all = toy.Ids.ToDictionary(id => toy.Trie.Find(id.Codes), id => toy.Score(prompt, id, scoring));
            Assert.Equal(all.OrderByDescending(pair => pair.Value).Select(pair => pair.Key), beams[0].Select(beam => beam.Node));
            Assert.All(beams.SelectMany(found => found), beam => Assert.Equal(all[beam.Node], beam.LogProbability, 1e-5));
            Assert.All(beams[1], beam => Assert.Contains(toy.Trie.ItemsAt(beam.Node).ToArray(), mask.AllowsRow));
        }
    }

    [Fact]
    public void Sample_WithoutReplacement_DrawsTheCatalogueWithItsProbabilities()
    {
        using var toy = new Toy(5);
        int[] prompt = [8, 3];
        var sampler = new ConstrainedSampler(new SamplingOptions { Count = 200, WithoutReplacement = true });

        var drawn = sampler.Sample(toy.Backbone, [prompt], toy.Trie, toy.Template, new Random(1))[0];

        Assert.Equal(toy.Ids.Length, drawn.Count);
        Assert.Equal(1, drawn.Sum(draw => Math.Exp(draw.LogProbability)), 1e-5);
        Assert.All(drawn, draw => Assert.Equal(
            toy.Score(prompt, toy.Trie.PathTo(draw.Node), BeamScoring.TrieRenormalised), draw.LogProbability, 1e-5));
    }

    [Fact]
    public void Search_OwnCache_KeepsThePromptsAndLeaksNothing()
    {
        using var toy = new Toy(6);
        var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = 5 });
        BeamQuery[] queries = [new([5, 6]), new([7, 8, 9])];
        search.Search(toy.Backbone, queries, toy.Trie, toy.Template);
        GC.Collect();                                           // what earlier tests left is taken off before counting
        GC.WaitForPendingFinalizers();
        long before = Tensor.TotalCount;

        for (int i = 0; i < 5; i++)
        {
            using var cache = toy.Backbone.NewCache();
            search.Search(toy.Backbone, queries, toy.Trie, toy.Template, cache);
            Assert.Equal((2, 0), (cache.PromptCount, cache.RowCount));
            Assert.Equal([2, 16], cache.Last!.shape);
            using var noGrad = no_grad();
            var step = new DecodingStep { Tokens = [5, 6], Prompts = [0, 1], Ancestors = [[0], [1]] };
            using var first = toy.Backbone.Extend(cache, step);
            cache.Rewind();
            using var again = toy.Backbone.Extend(cache, step);
            Fixtures.Close(first, again, 0, "after Rewind");
        }

        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void Cache_OfAnotherBackbone_IsNamed()
    {
        using var toy = new Toy(6);
        using var decoder = new DecoderModel(DecoderConfig.Small(toy.Template.VocabularySize, 16, 1, 2));
        using var ofDecoder = new PromptCache();
        using var ofT5 = toy.Backbone.NewCache();
        var search = new ConstrainedBeamSearch();

        var wrong = Assert.Throws<ArgumentException>(() => search.Search(toy.Backbone, [new([5])], toy.Trie, toy.Template, ofDecoder));
        Assert.Contains("PromptCache", wrong.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => search.Search(decoder, [new([5])], toy.Trie, toy.Template, ofT5));
        Assert.Throws<ArgumentException>(() => search.Search(toy.Backbone, [new([])], toy.Trie, toy.Template));
    }

    private static int[] Ints(Tensor values)
    {
        using var wide = values.to_type(ScalarType.Int64).contiguous();
        return [.. wide.data<long>().Select(value => (int)value)];
    }

    /// <summary>A random T5 and a random catalogue, with a search that keeps nothing between steps.</summary>
    private sealed class Toy : IDisposable
    {
        private readonly T5Model _model;

        public Toy(int seed, bool mixed = false)
        {
            int[] sizes = [4, 5, 3];
            var random = new Random(seed);
            Index = new SemanticIdIndex(
                Enumerable.Range(0, 30).Select(i => KeyValuePair.Create(
                    $"item{i}", new SemanticId([.. sizes.Take(mixed ? random.Next(1, 4) : 3).Select(size => random.Next(size))]))),
                sizes);
            Template = CompactTemplate.For(Index);
            Trie = new SemanticIdTrie(Index);
            Ids = [.. Index.SemanticIds.Distinct()];
            torch.random.manual_seed(seed);
            _model = new T5Model(new T5Config
            {
                VocabularySize = Template.VocabularySize, ModelWidth = 16, HeadWidth = 8, FeedForwardWidth = 24, EncoderLayers = 2,
                    DecoderLayers = 2,
                HeadCount = 2, DistanceBuckets = 8, MaxDistance = 16,
            });
            _model.eval();
            Backbone = new T5DecodingBackbone(_model);
        }

        public SemanticIdIndex Index { get; }

        public CompactTemplate Template { get; }

        public SemanticIdTrie Trie { get; }

        public SemanticId[] Ids { get; }

        public T5DecodingBackbone Backbone { get; }

        public void Dispose()
        {
            _model.Dispose();
            Trie.Dispose();
        }

        /// <summary>Scores one semantic ID by one pass over the prompt and the whole response.</summary>
        public double Score(int[] prompt, SemanticId id, BeamScoring scoring) => Score(prompt, id, id.Depth, scoring, ends: true);

        /// <summary>Keeps the best prefixes of each level; all semantic IDs have three codes.</summary>
        public List<(int Node, double LogProbability)> PlainSearch(int[] prompt, int width, BeamScoring scoring)
        {
            var live = new List<int> { SemanticIdTrie.Root };
            for (int depth = 1; depth <= 3; depth++)
            {
                live = [.. live
                    .SelectMany(node => Trie.Children(node) is var (start, end) ? Enumerable.Range(start, end - start) : [])
                    .OrderByDescending(node => Score(prompt, Trie.PathTo(node), depth, scoring, ends: false))
                    .Take(width)];
            }

            return [.. live.Select(node => (node, Score(prompt, Trie.PathTo(node), scoring))).OrderByDescending(beam => beam.Item2)];
        }

        private double Score(int[] prompt, SemanticId id, int depth, BeamScoring scoring, bool ends)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            int[] response = ends && scoring != BeamScoring.SidOnly ? Template.EncodeResponse(id) : Template.Vocabulary.Encode(id);
            var inputs = tensor([.. prompt.Select(token => (long)token)]).view(1, -1);
            var logits = _model.Forward(inputs, ones_like(inputs), tensor([.. response.Select(token => (long)token)]).view(1, -1))
                .squeeze(0);
            double score = 0;
            int node = SemanticIdTrie.Root;
            for (int t = 0; t < response.Length; t++)
            {
                float[] row = [.. logits[t].data<float>()];
                IEnumerable<int> rivals = Enumerable.Range(0, row.Length);
                if (scoring == BeamScoring.TrieRenormalised)
                {
                    var (start, end) = Trie.Children(node);
                    var allowed = Enumerable.Range(start, end - start).Select(child => Template.Vocabulary.Token(t, Trie.Code(child)))
                        .ToList();
                    if (Template.Terminator.Count > 0 && Trie.IsTerminal(node))
                    {
                        allowed.Add(Template.Terminator[0]);
                    }

                    rivals = allowed;
                }

                score += row[response[t]] - Math.Log(rivals.Sum(token => Math.Exp(row[token])));
                if (t < depth)
                {
                    node = Trie.Child(node, id[t]);
                }
            }

            return score;
        }
    }
}
